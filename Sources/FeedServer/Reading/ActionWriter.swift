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
  func bytes(of actions: [StoredAction]) -> Int {
    // {"href":"…","ttl":…,"age":…,"body":…} and the commas between.
    let fixed = 9 + queue.pathPrefix.utf8.count + TokenSealer.idBytes + 8 + 7 + 8 + 1
    return actions.withUnsafeBufferPointer { actions in
      guard let first = actions.baseAddress, !actions.isEmpty else { return 0 }
      var sum = actions.count - 1
      for index in 0..<actions.count {
        sum +=
          fixed + TextCursor.digits(of: Int64(first[index].timeToLiveSeconds))
          + TextCursor.digits(of: StoredAction.age(of: first[index].createdMilliseconds, at: now))
          + first[index].bodyCount
      }
      return sum
    }
  }

  /// The actions, divided by commas.
  func write(_ actions: [StoredAction], to cursor: inout TextCursor) {
    let idBytes = TokenSealer.idBytes
    actions.withUnsafeBufferPointer { actions in
      guard let first = actions.baseAddress else { return }
      withUnsafeTemporaryAllocation(byteCount: actions.count * idBytes, alignment: 1) { ids in
        sealer.write(idsOf: actions, queue: queue, to: ids)
        var prefix = queue.pathPrefix
        prefix.withUTF8 { prefix in
          for index in 0..<actions.count {
            if index > 0 { cursor.write(byte: 0x2C) }
            cursor.write("{\"href\":\"")
            cursor.write(UnsafeRawBufferPointer(prefix))
            cursor.write(UnsafeRawBufferPointer(rebasing: ids[(index * idBytes)..<((index + 1) * idBytes)]))
            cursor.write("\",\"ttl\":")
            cursor.write(decimal: Int64(first[index].timeToLiveSeconds))
            cursor.write(",\"age\":")
            cursor.write(decimal: StoredAction.age(of: first[index].createdMilliseconds, at: now))
            cursor.write(",\"body\":")
            // Kept by the array: the mapping stays.
            cursor.write(UnsafeRawBufferPointer(start: first[index].bodyAddress, count: first[index].bodyCount))
            cursor.write(byte: 0x7D)
          }
        }
      }
    }
  }
}

extension ByteBuffer {
  /// Appends messages, divided by commas.
  mutating func write(_ actions: [StoredAction], by writer: ActionWriter) throws(Problem) {
    guard writeText(count: writer.bytes(of: actions), { writer.write(actions, to: &$0) }) else { throw .unwritable }
  }
}
