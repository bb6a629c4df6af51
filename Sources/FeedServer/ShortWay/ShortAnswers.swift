import ActionStore
import AuditActions
import NIOCore

/// Makes the answers of the short way: head and body in one buffer. Keeps what stays the same from one request of a
/// connection to the next.
struct ShortAnswers {
  struct Answer {
    let text: ByteBuffer
    /// Bytes of the request it answers.
    let requestBytes: Int
    /// Where the time it took is recorded.
    let durations: PrometheusHistogram
  }

  private let core: FeedCore
  private var date = HTTPDate()
  private var queue: (path: [UInt8], reference: QueueReference)?
  private var through: (milliseconds: Int64, text: String)?
  private var pageDurations: PrometheusHistogram?
  private var emptyDurations: PrometheusHistogram?

  init(core: FeedCore) { self.core = core }

  /// Nil when the answer would not be a plain page, or plainly nothing.
  mutating func answer(
    _ head: PageHead, in bytes: UnsafeRawBufferPointer, allocator: ByteBufferAllocator
  ) -> Answer? {
    guard let queue = reference(to: head, in: bytes) else { return nil }
    let store = core.pages.store
    // Asked before the page is read, as is the time: see PageResponder.
    let currency = core.currency?()
    var marker: Marker?
    if let text = head.marker {
      guard let opened = store.sealer.openMarker(UnsafeRawBufferPointer(rebasing: bytes[text]), queue: queue) else {
        return nil
      }
      marker = opened
    }
    let writer = ActionWriter(queue: queue, sealer: store.sealer, now: store.nowMilliseconds())
    let page = store.page(of: queue, after: marker, limit: head.limit)
    let isEmpty = page.actions.isEmpty && page.gaps.isEmpty && page.isExhausted
    if isEmpty, currency?.behind != nil || page.marker != marker && !page.marker.entries.isEmpty { return nil }
    let fields = Fields(
      target: UnsafeRawBufferPointer(rebasing: bytes[head.target]), through: throughText(currency),
      requestID: head.requestID.map { String(decoding: bytes[$0], as: UTF8.self) } ?? RequestID.make(from: nil),
      date: date.text(secondsSince1970: core.wallSeconds()))
    var text: ByteBuffer?
    if isEmpty {
      text = Self.write(fields, allocator)
    } else {
      let next = PageRequest.nextHref(queue, page.marker, limit: head.limit, sealer: store.sealer)
      let body = PageText(page, writer: writer, next: next, archive: core.pages.archive)
      text = Self.write(fields, body, lost: page.gaps.isEmpty ? nil : GapStatement.lost(page.gaps), allocator)
    }
    return text.map { Answer(text: $0, requestBytes: head.end, durations: durations(isEmpty: isEmpty)) }
  }

  // MARK: What is kept

  private mutating func reference(to head: PageHead, in bytes: UnsafeRawBufferPointer) -> QueueReference? {
    let path = UnsafeRawBufferPointer(rebasing: bytes[head.path])
    if let queue, queue.path.count == path.count, path.indices.allSatisfy({ queue.path[$0] == path[$0] }) {
      return queue.reference
    }
    let project = String(decoding: bytes[head.project], as: UTF8.self)
    let name = String(decoding: bytes[head.queue], as: UTF8.self)
    guard let address = try? QueueAddress(project: project, queue: name) else { return nil }
    let reference = QueueReference(address)
    queue = (Array(path), reference)
    return reference
  }

  private mutating func throughText(_ currency: FeedCurrency?) -> String? {
    guard let milliseconds = currency?.completeThroughMilliseconds else { return nil }
    if let through, through.milliseconds == milliseconds { return through.text }
    guard let text = currency?.completeThrough else { return nil }
    through = (milliseconds, text)
    return text
  }

  private mutating func durations(isEmpty: Bool) -> PrometheusHistogram {
    if let known = isEmpty ? emptyDurations : pageDurations { return known }
    let made = core.metrics.durations(route: .actions, code: isEmpty ? 204 : 200)
    if isEmpty { emptyDurations = made } else { pageDurations = made }
    return made
  }

  // MARK: Text

  /// What both heads have.
  private struct Fields {
    let target: UnsafeRawBufferPointer
    let through: String?
    let requestID: String
    let date: String

    /// More than their names and the status line need.
    private static let namesBytes = 384

    var bytesMax: Int {
      Self.namesBytes + target.count + (through?.utf8.count ?? 0) + requestID.utf8.count + date.utf8.count
    }

    func writeLast(to cursor: inout TextCursor) {
      cursor.write("\r\nCache-Control: no-store")
      if let through {
        cursor.write("\r\nStrandline-Complete-Through: ")
        cursor.write(through)
      }
      cursor.write("\r\nX-Request-Id: ")
      cursor.write(requestID)
      cursor.write("\r\nDate: ")
      cursor.write(date)
      cursor.write("\r\n\r\n")
    }
  }

  private static func write(_ fields: Fields, _ allocator: ByteBufferAllocator) -> ByteBuffer? {
    var buffer = allocator.buffer(capacity: fields.bytesMax)
    let isWhole = buffer.writeText(count: fields.bytesMax) { cursor in
      cursor.write("HTTP/1.1 204 No Content\r\nContent-Location: ")
      cursor.write(fields.target)
      fields.writeLast(to: &cursor)
    }
    return isWhole ? buffer : nil
  }

  private static func write(
    _ fields: Fields, _ body: PageText, lost: String?, _ allocator: ByteBufferAllocator
  ) -> ByteBuffer? {
    let bodyBytes = body.bytes
    let bytesMax = fields.bytesMax + body.next.utf8.count + (lost?.utf8.count ?? 0) + bodyBytes
    var buffer = allocator.buffer(capacity: bytesMax)
    var bodyStart = 0
    let isWhole = buffer.writeText(count: bytesMax) { cursor in
      cursor.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ")
      cursor.write(decimal: Int64(bodyBytes))
      cursor.write("\r\nContent-Location: ")
      cursor.write(fields.target)
      cursor.write("\r\nLink: <")
      cursor.write(body.next)
      cursor.write(">; rel=\"next\"")
      if let lost {
        cursor.write("\r\nStrandline-Lost: ")
        cursor.write(lost)
      }
      fields.writeLast(to: &cursor)
      bodyStart = cursor.count
      body.write(to: &cursor)
    }
    return isWhole && buffer.readableBytes - bodyStart == bodyBytes ? buffer : nil
  }
}
