import ActionStore
import AuditActions
import NIOCore

/// Writes actions as messages with exactly four members: `href`, `ttl`, `age`, `body`. Zaqar's client refuses more.
struct ActionWriter {
  private let queue: QueueReference
  private let sealer: TokenSealer
  private let now: Int64

  /// - Parameter now: the store's time, for ages, in milliseconds since 1970.
  init(queue: QueueReference, sealer: TokenSealer, now: Int64) {
    self.queue = queue
    self.sealer = sealer
    self.now = now
  }

  /// Everything of an action's href but its id.
  static func hrefPrefix(of queue: QueueAddress) -> String { QueueReference(queue).pathPrefix }

  func href(of action: StoredAction) -> String {
    queue.pathPrefix + sealer.seal(id: action.position, queue: queue.address)
  }
  func age(of action: StoredAction) -> Int64 { action.age(at: now) }

  /// Bytes of the actions as ``write(_:to:)`` writes them.
  func bytes(of actions: PageActions) -> Int {
    let fixed = Self.fixedBytes + queue.pathPrefixBytes.count
    // A comma less than there are actions.
    var sum = -min(1, actions.count)
    actions.withEntries { entries in
      for entry in entries {
        sum &+=
          fixed &+ TextCursor.digits(of: Int64(entry.timeToLiveSeconds)) &+ TextCursor.digits(of: age(of: entry))
          &+ entry.bodyCount
      }
    }
    return sum
  }

  /// The actions, divided by commas. What neighbours have in common is copied from the one before.
  func write(_ actions: PageActions, to cursor: inout TextCursor) {
    let idBytes = TokenSealer.idBytes
    actions.withEntries { entries in
      withUnsafeTemporaryAllocation(byteCount: entries.count * idBytes, alignment: 1) { ids in
        guard let firstID = ids.baseAddress else { return }
        sealer.write(idsOf: entries, queue: queue, to: ids)
        var path = UnsafeRawBufferPointer(start: nil, count: 0)
        var times = path
        var lastTimes: (timeToLive: Int32, age: Int64) = (-1, -1)
        for index in 0..<entries.count {
          let entry = entries[index]
          if index == 0 {
            let start = cursor.count
            cursor.write(Self.beforePath)
            cursor.write(queue.pathPrefixBytes)
            path = cursor.text(from: start)
          } else {
            cursor.write(Self.comma)
            cursor.write(path)
          }
          cursor.write(UnsafeRawBufferPointer(start: firstID + index &* idBytes, count: idBytes))
          let age = age(of: entry)
          if (entry.timeToLiveSeconds, age) == lastTimes {
            cursor.write(times)
          } else {
            let start = cursor.count
            cursor.write(Self.beforeTimeToLive)
            cursor.write(decimal: Int64(entry.timeToLiveSeconds))
            cursor.write(Self.beforeAge)
            cursor.write(decimal: age)
            cursor.write(Self.beforeBody)
            times = cursor.text(from: start)
            lastTimes = (entry.timeToLiveSeconds, age)
          }
          cursor.write(UnsafeRawBufferPointer(start: entry.bodyAddress, count: entry.bodyCount))
          cursor.write(Self.end)
        }
      }
    }
  }

  @inline(__always)
  private func age(of entry: ActionEntry) -> Int64 { max(0, now &- entry.createdMilliseconds) / 1_000 }

  private static var comma: StaticString { "," }
  private static var beforePath: StaticString { "{\"href\":\"" }
  private static var beforeTimeToLive: StaticString { "\",\"ttl\":" }
  private static var beforeAge: StaticString { ",\"age\":" }
  private static var beforeBody: StaticString { ",\"body\":" }
  private static var end: StaticString { "}" }
  /// All of these, and the id.
  private static var fixedBytes: Int {
    comma.utf8CodeUnitCount + beforePath.utf8CodeUnitCount + TokenSealer.idBytes + beforeTimeToLive.utf8CodeUnitCount
      + beforeAge.utf8CodeUnitCount + beforeBody.utf8CodeUnitCount + end.utf8CodeUnitCount
  }
}

extension ByteBuffer {
  /// Appends messages, divided by commas.
  mutating func write(_ actions: PageActions, by writer: ActionWriter) throws(Problem) {
    guard writeText(count: writer.bytes(of: actions), { writer.write(actions, to: &$0) }) else { throw .unwritable }
  }
}
