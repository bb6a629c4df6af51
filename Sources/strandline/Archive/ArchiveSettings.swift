import ActionArchive
import Foundation
import ObjectStores

extension ArchiveConfiguration {
  /// What the settings say.
  init(_ settings: Settings, once: Bool) throws {
    let length: PeriodLength
    do throws(ArchiveError) { length = try PeriodLength(seconds: Int64(try settings.period())) } catch {
      throw CommandFailure(.configuration, error.detail)
    }
    let compression = settings[SettingsTable.compression].flatMap { ArchiveCompression(rawValue: $0.rawValue) } ?? .gzip
    self.init(
      kafka: try settings.kafka(),
      layout: ArchiveLayout(
        topic: try settings.value(SettingsTable.topic), compression: compression, period: length,
        byProject: settings[SettingsTable.byProject] ?? false),
      group: try settings.value(SettingsTable.group),
      spool: settings[SettingsTable.spool] ?? FileManager.default.temporaryDirectory.path)
    limits.recordsMax = try settings.value(SettingsTable.objectRecords)
    limits.bytesMax = try settings.value(SettingsTable.objectBytes)
    latenessMilliseconds = Int64(try settings.value(SettingsTable.lateness)) * 1_000
    self.once = once
    if let pem = settings[SettingsTable.signingKey] {
      do throws(ArchiveError) { signer = try ManifestSigner(pem: pem) } catch {
        throw CommandFailure(.configuration, error.detail)
      }
    }
  }
}

extension Settings {
  fileprivate func period() throws(ArchiveError) -> Int {
    do { return try value(SettingsTable.period) } catch { throw ArchiveError(.invalidConfiguration, "\(error)") }
  }
}

extension CommandContext {
  /// Opens the object store at a URL; credentials come from the environment.
  func objectStore(_ url: String) throws(CommandFailure) -> any ObjectStore {
    do throws(ObjectStoreError) {
      return try openObjectStore(
        ObjectStoreConfiguration(url: url, environment: environment), logger: logger().named("objects"))
    } catch {
      throw CommandFailure(.configuration, error.detail)
    }
  }
}

extension CommandFailure {
  /// What an error of the archive or of its store means to a caller.
  init(archive error: any Error) {
    switch error {
    case let error as ObjectStoreError:
      let status: ExitStatus =
        switch error.code {
        case .invalidConfiguration: .configuration
        case .io, .noSpace: .input
        case .conflict, .invalidAnswer: .failure
        default: .unavailable
        }
      self.init(status, error.detail)
    case let error as ArchiveError:
      let status: ExitStatus =
        switch error.code {
        case .invalidConfiguration: .configuration
        case .io: .input
        case .garbled: .data
        default: .failure
        }
      self.init(status, error.detail)
    case let error as CommandFailure: self = error
    default: self.init(.failure, "\(error)")
    }
  }
}
