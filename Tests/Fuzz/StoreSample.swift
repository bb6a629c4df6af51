import AuditActions
import Foundation

@testable import ActionStore

/// A data directory as a running store leaves it: several lanes, partitions and segments, sealed and open.
struct StoreSample {
  struct Kept: Hashable {
    var position: ActionPosition
    var body: [UInt8]
  }

  static let startMilliseconds: Int64 = 1_700_000_000_000
  static let queues = ["p/q", "p/r"]

  static let log = SourceLogKey(project: "p", source: "/w", log: "1")

  let directory: String
  /// Path within the directory, and content.
  let files: [(name: String, bytes: [UInt8])]
  let actions: Set<Kept>

  final class Clock: WallClock {
    let milliseconds: Int64
    init(_ milliseconds: Int64) { self.milliseconds = milliseconds }
    func nowMilliseconds() -> Int64 { milliseconds }
    func steadyMilliseconds() -> Int64 { milliseconds }
  }

  static func configuration(_ directory: String) -> StoreConfiguration {
    var configuration = StoreConfiguration(directory: directory, topic: "audit.actions")
    configuration.segmentBytesMax = 3_000
    configuration.sealingKey = Array(0..<32)
    return configuration
  }

  init() throws {
    directory = Scratch.path("store-sample")
    let clock = Clock(Self.startMilliseconds)
    let store = try ActionStore(configuration: Self.configuration(directory), clock: clock, logger: FeedWorld.quiet)
    var actions: Set<Kept> = []
    var offset: Int64 = 0
    for batch in 0..<14 {
      var intake = store.beginIntake()
      for index in 0..<4 {
        let origin = try ActionOrigin(source: "/w", log: "1", sequence: offset + Int64(index) + 1)
        let empty = UnsafeRawBufferPointer(start: nil, count: 0)
        _ = intake.judge(
          origin, project: "p", contents: RecordContents(key: empty, value: empty), partition: Int32(index % 2),
          offset: offset + Int64(index), seal: Self.seal(of: offset + Int64(index)))
      }
      _ = try store.append { writer in
        var marks = intake.marks
        for index in 0..<4 {
          let partition = Int32(index % 2)
          let body = Samples.bodies[(batch + index) % 6]
          let key = Array(Self.queues[index % Self.queues.count].utf8)
          let hash = try body.withUnsafeBytes { try ActionBody.validate($0).eventHash(in: $0) }
          let seconds: Int32 = index < 2 ? 300 : 86_400
          key.withUnsafeBytes { key in
            _ = body.withUnsafeBytes {
              writer.add(
                partition: partition, offset: offset, key: key, timestampMilliseconds: nil,
                timeToLiveSeconds: seconds, eventHash: hash, body: $0)
            }
            if let mark = marks.take(partition: partition, offset: offset) {
              writer.number(mark, keyBytes: key.count, timeToLiveSeconds: seconds)
            }
          }
          actions.insert(Kept(position: ActionPosition(partition: partition, offset: offset), body: body))
          offset += 1
        }
        writer.reject(partition: 2, offset: Int64(batch), key: nil, reason: "invalid_json")
        writer.receive(intake)
      }
      if batch % 5 == 4 { try store.maintain() }
    }
    // As a kill leaves it: nothing is sealed or checkpointed at the end.
    store.abandon()
    files = try Self.files(in: directory)
    self.actions = actions
  }

  /// What proves the action of an offset; nil for a third of them.
  static func seal(of offset: Int64) -> ActionSeal? {
    guard offset % 3 > 0 else { return nil }
    return ActionSeal { part in
      switch part {
      case .id: "id \(offset)"
      case .time: nil
      case .timeToLive: offset % 2 == 0 ? "300" : nil
      case .checksum: offset % 3 == 1 ? "0123abcd" : nil
      case .signature: String(repeating: "A", count: 86) + "=="
      }
    }
  }

  /// All but the lock, which belongs to a process.
  static func files(in directory: String) throws -> [(name: String, bytes: [UInt8])] {
    var files: [(name: String, bytes: [UInt8])] = []
    for name in try FileManager.default.subpathsOfDirectory(atPath: directory).sorted() where name != "LOCK" {
      var isDirectory: ObjCBool = false
      let path = "\(directory)/\(name)"
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), !isDirectory.boolValue else {
        continue
      }
      files.append((name, [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))))
    }
    return files
  }

  func contents(suffix: String) -> [[UInt8]] { files.filter { $0.name.hasSuffix(suffix) }.map(\.bytes) }
}
