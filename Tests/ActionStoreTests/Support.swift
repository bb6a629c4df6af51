import AuditActions
import Foundation
import Logging
import Synchronization

@testable import ActionStore

/// Clocks moved by hand.
final class ManualClock: WallClock {
  private let wall: Atomic<Int64>
  private let steady = Atomic<Int64>(5_000)
  init(_ start: Int64 = 1_700_000_000_000) { wall = Atomic(start) }
  func nowMilliseconds() -> Int64 { wall.load(ordering: .relaxed) }
  func steadyMilliseconds() -> Int64 { steady.load(ordering: .relaxed) }
  /// Time passes.
  func advance(milliseconds: Int64) {
    wall.add(milliseconds, ordering: .relaxed)
    steady.add(milliseconds, ordering: .relaxed)
  }
  func advance(seconds: Int64) { advance(milliseconds: seconds * 1_000) }
  /// Somebody sets the wall clock.
  func step(milliseconds: Int64) { wall.add(milliseconds, ordering: .relaxed) }
}

/// A fresh directory, removed when the last reference goes.
final class TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("strandline-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func files(withSuffix suffix: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path + "/segments").filter { $0.hasSuffix(suffix) }.sorted()
      .map { path + "/segments/" + $0 }
  }
}

/// One action to append.
struct Draft: Equatable {
  var queue = "p/q"
  var partition: Int32 = 0
  var offset: Int64
  var timeToLive: Int32 = 300
  var timestamp: Int64?
  var event = "ClaimExpired"
  var padding = 0

  var body: String {
    "{\"event\":\"\(event)\",\"details\":{\"at\":\"\(partition)-\(offset)\",\"pad\":\""
      + String(repeating: "x", count: padding) + "\"}}"
  }
}

struct StoreFixture {
  let directory: TemporaryDirectory
  let clock: ManualClock
  var configuration: StoreConfiguration

  init(segmentBytesMax: Int = 1 << 20) throws {
    directory = try TemporaryDirectory()
    clock = ManualClock()
    configuration = StoreConfiguration(directory: directory.path, topic: "audit.actions")
    configuration.segmentBytesMax = segmentBytesMax
  }

  func open(files: FileSystem = FileSystem()) throws -> ActionStore {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    return try ActionStore(configuration: configuration, clock: clock, files: files, logger: logger)
  }
}

extension Draft {
  func add(to batch: BatchWriter) {
    let event = eventHash(event)
    var key = queue
    var body = body
    key.withUTF8 { key in
      _ = body.withUTF8 { body in
        batch.add(
          partition: partition, offset: offset, key: UnsafeRawBufferPointer(key), timestampMilliseconds: timestamp,
          timeToLiveSeconds: timeToLive, eventHash: event, body: UnsafeRawBufferPointer(body))
      }
    }
  }
}

extension ActionStore {
  @discardableResult
  func append(_ drafts: [Draft]) throws -> AppendOutcome {
    try append { batch in
      for draft in drafts { draft.add(to: batch) }
    }
  }

  /// Rejects a record of `queue`, or of none.
  func reject(_ queue: String?, partition: Int32 = 0, offset: Int64, reason: String = "invalid_json") throws {
    _ = try append { batch in
      var key = queue ?? ""
      key.withUTF8 { key in
        batch.reject(
          partition: partition, offset: offset, key: queue == nil ? nil : UnsafeRawBufferPointer(key), reason: reason)
      }
    }
  }

  func recordHole(partition: Int32 = 0, to end: Int64, reason: Hole.Reason = .topicRetention) throws {
    _ = try append { batch in batch.recordHole(partition: partition, to: end, reason: reason) }
  }

  /// Follows pages from `marker` to the end.
  func all(_ queue: QueueAddress, after marker: Marker? = nil, limit: Int = 10, events: [String] = []) -> [StoredAction]
  {
    var marker = marker
    var actions: [StoredAction] = []
    while true {
      let page = page(of: queue, after: marker, limit: limit, events: events)
      actions += page.actions
      marker = page.marker
      if page.isExhausted && page.actions.isEmpty && page.gaps.isEmpty { return actions }
    }
  }

  func positions(_ queue: QueueAddress, after marker: Marker? = nil, limit: Int = 10) -> [ActionPosition] {
    all(queue, after: marker, limit: limit).map(\.position)
  }
}

extension QueueAddress {
  static func test(_ key: String) throws -> QueueAddress {
    let parts = key.split(separator: "/")
    return try QueueAddress(project: String(parts[0]), queue: String(parts[1]))
  }
}

extension StoredAction {
  var text: String { String(decoding: body, as: UTF8.self) }
}

/// Random numbers from a seed, so that a failing run can be repeated (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
