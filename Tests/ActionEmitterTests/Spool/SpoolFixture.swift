import AuditActions
import Foundation
import Kafka
import Logging
import Metrics
import Synchronization

@testable import ActionEmitter

/// A spool's folder of small files, removed when the last reference goes. No Kafka.
final class SpoolFixture {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent("spool-\(UUID().uuidString)").path
  var configuration: SpoolConfiguration
  var boot: [UInt8] = [1]
  private var now: Int64 = 1_700_000_000_000

  init(filesMax: Int = 4, fileBytes: Int = 2_048) {
    configuration = SpoolConfiguration(directory: path)
    configuration.filesMax = filesMax
    configuration.fileBytes = fileBytes
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// As a new process opens what the one before has left.
  func open(
    source: String = "/worker/1", fault: SpoolDisk.Fault? = nil, logger: Logger = quiet
  ) throws(EmitError) -> Spool {
    now += 10
    let opening = try SpoolOpening(
      configuration: configuration, source: source, disk: SpoolDisk(fault: fault, boot: boot), nowMilliseconds: now,
      logger: logger)
    return Spool(
      opened: opening, configuration: configuration, metrics: SpoolMetrics(factory: NOOPMetricsHandler.instance),
      logger: logger, wake: {})
  }

  var spoolFiles: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).filter { $0.hasSuffix(".spool") }.sorted()
  }

  func bytes(of name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)))
  }

  func write(_ bytes: [UInt8], to name: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path + "/" + name))
  }

  /// All files, to be put back.
  func snapshot() throws -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: path) { files[name] = try bytes(of: name) }
    return files
  }

  func restore(_ files: [String: [UInt8]]) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: path) where files[name] == nil {
      try FileManager.default.removeItem(atPath: path + "/" + name)
    }
    for (name, bytes) in files { try write(bytes, to: name) }
  }
}

/// What is published of an action.
struct Published: Hashable, CustomStringConvertible {
  var log: Int64
  var key: String
  var sequence: Int64
  var text: String

  var description: String { "\(log) \(key) \(sequence) \(text)" }
}

extension Spool {
  func accept(_ text: String, key: String = "p/q") throws(EmitError) {
    var headers = PackedHeaders(capacity: 64)
    Array("/worker/1".utf8).withUnsafeBytes { headers.append("ce_source", $0) }
    headers.append("empty", UnsafeRawBufferPointer(start: nil, count: 0))
    try append(EmitRecord(key: Array(key.utf8), value: Array(text.utf8), headers: headers), onDelivery: nil)
  }

  /// Everything that is not acknowledged, in the order it would be published in.
  func pending() -> [(published: Published, end: SpoolPlace)] {
    var cursor = state.withLock { $0.acknowledged }
    var result: [(Published, SpoolPlace)] = []
    while let item = next(from: &cursor) {
      result.append(
        (
          Published(
            log: item.header.logID, key: String(decoding: item.payload[item.action.key], as: UTF8.self),
            sequence: item.action.sequence, text: String(decoding: item.payload[item.action.value], as: UTF8.self)),
          item.end
        ))
    }
    return result
  }

  var published: [Published] { pending().map(\.published) }

  func acknowledge(first count: Int) {
    guard count > 0 else { return }
    acknowledge(pending()[count - 1].end, actions: count)
  }
}
