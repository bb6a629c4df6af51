import ActionStore
import AuditActions
import NIOCore

/// Writes actions as messages with exactly four members: `href`, `ttl`, `age`, `body`. Zaqar's client refuses more.
struct ActionWriter {
  private let prefix: String
  private let sealer: TokenSealer
  private let check: UInt32
  private let now: Int64

  init(queue: QueueAddress, sealer: TokenSealer, now: Int64) {
    prefix = Self.hrefPrefix(of: queue)
    self.sealer = sealer
    check = TokenSealer.check(of: queue)
    self.now = now
  }

  /// Everything of an action's href but its id.
  static func hrefPrefix(of queue: QueueAddress) -> String {
    "/v1/\(queue.project)/queues/\(queue.queue)/actions/"
  }

  func href(of action: StoredAction) -> String { prefix + sealer.seal(id: action.position, check: check) }
  func age(of action: StoredAction) -> Int64 { action.age(at: now) }

  /// Bytes that are enough for the actions, so that the buffer grows once.
  func capacity(for actions: [StoredAction]) -> Int {
    actions.reduce(0) { $0 + $1.bodyCount + prefix.utf8.count + 96 }
  }

  /// The actions, divided by commas.
  func write(_ actions: [StoredAction], to buffer: inout ByteBuffer) {
    for (index, action) in actions.enumerated() {
      if index > 0 { buffer.writeStaticString(",") }
      write(action, to: &buffer)
    }
  }

  func write(_ action: StoredAction, to buffer: inout ByteBuffer) {
    buffer.writeStaticString("{\"href\":\"")
    buffer.writeString(prefix)
    buffer.writeString(sealer.seal(id: action.position, check: check))
    buffer.writeStaticString("\",\"ttl\":")
    buffer.writeDecimal(Int64(action.timeToLiveSeconds))
    buffer.writeStaticString(",\"age\":")
    buffer.writeDecimal(action.age(at: now))
    buffer.writeStaticString(",\"body\":")
    action.withBody { body in _ = buffer.writeBytes(body) }
    buffer.writeStaticString("}")
  }
}

extension ByteBuffer {
  /// Appends an integer in decimal digits. A short string does not allocate.
  mutating func writeDecimal(_ value: Int64) {
    writeString(String(value))
  }
}
