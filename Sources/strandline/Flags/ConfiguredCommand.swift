import ArgumentParser
import Foundation
import Logging

/// A command that works by the settings: flags over environment over file over defaults.
protocol ConfiguredCommand: AsyncParsableCommand {
  var common: CommonFlags { get }
  /// The groups of flags it takes besides the common ones.
  var groups: [any SettingFlags] { get }
  /// Texts of `--kafka-property`.
  var kafkaProperties: [String] { get }

  /// Does what the command is for.
  func run(_ context: CommandContext) async throws
}

/// What a running command knows of the world.
struct CommandContext: Sendable {
  let settings: Settings
  let environment: [String: String]
  /// Reads the configuration once more; nil where there is no file that could have changed.
  var reload: (@Sendable () throws(ConfigurationError) -> Settings)?

  /// Whether to write NDJSON on standard output.
  var json: Bool { settings[SettingsTable.json] ?? false }

  /// Colour for standard output.
  var colour: Colour { Colour(isOn: Terminal.outputIsTerminal && Terminal.allowsColour(environment)) }

  func logger(outputIsForData: Bool = true) -> Logger {
    settings.logger("strandline", outputIsForData: outputIsForData, environment: environment)
  }
}

extension ConfiguredCommand {
  var kafkaProperties: [String] { [] }

  func run() async throws {
    let environment = ProcessInfo.processInfo.environment
    let sources = sources(environment: environment, readFile: readSettingsFile)
    var context = CommandContext(settings: try Settings.load(from: sources), environment: environment)
    if sources.path != nil {
      let (flags, properties, path) = (sources.flags, sources.kafkaProperties, sources.configPath)
      context.reload = { () throws(ConfigurationError) in
        try Settings.load(
          from: ConfigurationSources(
            flags: flags, kafkaProperties: properties, configPath: path, environment: environment,
            readFile: readSettingsFile))
      }
    }
    try await run(context)
  }

  func sources(
    environment: [String: String], readFile: @escaping (String) throws(SettingFault) -> String
  ) -> ConfigurationSources {
    var flags: [String: String] = [:]
    for group in [common as any SettingFlags] + groups {
      for (key, text) in group.given { flags[key] = text ?? flags[key] }
    }
    return ConfigurationSources(
      flags: flags, kafkaProperties: kafkaProperties, configPath: common.config, environment: environment,
      readFile: readFile)
  }
}

/// The text of a file of the configuration; says what is wrong without repeating what is in it.
func readSettingsFile(_ path: String) throws(SettingFault) -> String {
  var isDirectory: ObjCBool = false
  if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue {
    throw SettingFault("\(path) is a directory; name a file")
  }
  do {
    return try String(contentsOf: URL(filePath: path), encoding: .utf8)
  } catch let error as CocoaError where error.code == .fileReadNoSuchFile {
    throw SettingFault("there is no file \(path)")
  } catch let error as CocoaError where error.code == .fileReadNoPermission {
    throw SettingFault("the file \(path) may not be read by this user")
  } catch let error as CocoaError where error.code == .fileReadInapplicableStringEncoding {
    throw SettingFault("the file \(path) is not UTF-8 text")
  } catch {
    let cause = ((error as? CocoaError)?.underlying as? POSIXError)?.code
    let reason = cause.map { ": " + String(cString: strerror($0.rawValue)) } ?? ""
    throw SettingFault("the file \(path) cannot be read\(reason)")
  }
}
