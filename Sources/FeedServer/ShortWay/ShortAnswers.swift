import ActionStore
import AuditActions
import NIOCore
import QueueMetadata

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Makes the answers of the short way: head and body in one buffer. Keeps what stays the same from one request of a
/// connection to the next.
struct ShortAnswers {
  struct Answer {
    let text: ByteBuffer
    /// Bytes of the request it answers.
    let requestBytes: Int
    let isEmpty: Bool
  }

  private let store: ActionStore
  private let sealer: TokenSealer
  private let archive: ArchiveLink?
  private let audit: AuditedQueues?
  private let currency: (@Sendable () -> FeedCurrency)?
  private var queue: (path: [UInt8], reference: QueueReference)?
  private var fields = ShortFields()

  init(core: FeedCore) {
    store = core.pages.store
    sealer = store.sealer
    archive = core.pages.archive
    audit = core.pages.audit
    currency = core.currency
  }

  /// Nil when the answer would not be a plain page, or plainly nothing.
  mutating func answer(
    _ head: PageHead, in bytes: UnsafeRawBufferPointer, secondsSince1970: Int64, allocator: ByteBufferAllocator
  ) -> Answer? {
    guard let queue = reference(to: head, in: bytes) else { return nil }
    // Asked before the page is read, as is the time: see PageResponder.
    let currency = currency?()
    var marker: Marker?
    if let text = head.marker {
      guard let opened = sealer.openMarker(UnsafeRawBufferPointer(rebasing: bytes[text]), queue: queue) else {
        return nil
      }
      marker = opened
    }
    let now = store.nowMilliseconds()
    let writer = ActionWriter(queue: queue, sealer: sealer, now: now)
    let missing = currency.missing(of: queue, in: store)
    let page = store.page(of: queue, after: marker, limit: head.limit, now: now)
    if page.actions.isEmpty, store.isDamaged { return nil }
    let isEmpty = page.actions.isEmpty && page.gaps.isEmpty && page.isExhausted
    if isEmpty, currency?.behind != nil || page.marker != marker && !page.marker.entries.isEmpty { return nil }
    if isEmpty, let audit, audit.reader.isAudited(queue.address) != true { return nil }
    fields.update(currency, secondsSince1970: secondsSince1970)
    let request = Request(
      target: UnsafeRawBufferPointer(rebasing: bytes[head.target]),
      id: head.requestID.map { UnsafeRawBufferPointer(rebasing: bytes[$0]) })
    let text: ByteBuffer?
    if isEmpty {
      text = nothing(request, missing: missing.map { String($0.count) }, allocator)
    } else {
      let next = NextLink(queue: queue, marker: page.marker, limit: head.limit, sealer: sealer)
      let body = PageText(page, missing: missing, writer: writer, archive: archive)
      text = self.page(
        request, next, body, lost: page.gaps.isEmpty ? nil : GapStatement.lost(page.gaps),
        missing: missing.map { String($0.count) }, allocator)
    }
    return text.map { Answer(text: $0, requestBytes: head.end, isEmpty: isEmpty) }
  }

  private mutating func reference(to head: PageHead, in bytes: UnsafeRawBufferPointer) -> QueueReference? {
    let path = UnsafeRawBufferPointer(rebasing: bytes[head.path])
    if let queue, queue.path.count == path.count, let start = path.baseAddress,
      memcmp(queue.path, start, path.count) == 0
    {
      return queue.reference
    }
    let project = String(decoding: bytes[head.project], as: UTF8.self)
    let name = String(decoding: bytes[head.queue], as: UTF8.self)
    guard let address = try? QueueAddress(project: project, queue: name) else { return nil }
    let reference = QueueReference(address)
    queue = (Array(path), reference)
    return reference
  }

  // MARK: Text

  private struct Request {
    let target: UnsafeRawBufferPointer
    let id: UnsafeRawBufferPointer?

    /// More than both, the status line and the names of fields need.
    var bytesMax: Int { 256 + target.count + max(id?.count ?? 0, RequestID.madeBytesMax) }
  }

  private func nothing(_ request: Request, missing: String?, _ allocator: ByteBufferAllocator) -> ByteBuffer? {
    let bytesMax = request.bytesMax + fields.bytes + (missing?.utf8.count ?? 0)
    var buffer = allocator.buffer(capacity: bytesMax)
    let isWhole = buffer.writeText(count: bytesMax) { cursor in
      cursor.write("HTTP/1.1 204 No Content\r\nContent-Location: ")
      cursor.write(request.target)
      if let missing {
        cursor.write("\r\nStrandline-Missing: ")
        cursor.write(missing)
      }
      fields.write(id: request.id, to: &cursor)
    }
    return isWhole ? buffer : nil
  }

  private func page(
    _ request: Request, _ next: NextLink, _ body: PageText, lost: String?, missing: String?,
    _ allocator: ByteBufferAllocator
  ) -> ByteBuffer? {
    let nextBytes = next.bytes
    let bodyBytes = body.bytes(next: nextBytes)
    let statementBytes = (lost?.utf8.count ?? 0) + (missing?.utf8.count ?? 0)
    let bytesMax = request.bytesMax + fields.bytes + nextBytes + statementBytes + bodyBytes
    var buffer = allocator.buffer(capacity: bytesMax)
    var bodyStart = 0
    let isWhole = buffer.writeText(count: bytesMax) { cursor in
      cursor.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ")
      cursor.write(decimal: Int64(bodyBytes))
      cursor.write("\r\nContent-Location: ")
      cursor.write(request.target)
      cursor.write("\r\nLink: <")
      let nextStart = cursor.count
      next.write(to: &cursor)
      let nextText = cursor.text(from: nextStart)
      cursor.write(">; rel=\"next\"")
      if let lost {
        cursor.write("\r\nStrandline-Lost: ")
        cursor.write(lost)
      }
      if let missing {
        cursor.write("\r\nStrandline-Missing: ")
        cursor.write(missing)
      }
      fields.write(id: request.id, to: &cursor)
      bodyStart = cursor.count
      body.write(to: &cursor, next: nextText)
    }
    return isWhole && buffer.readableBytes - bodyStart == bodyBytes ? buffer : nil
  }
}

/// The last fields of every answer, and the empty line. All but the request's id change seldom: the moment through
/// which the node is complete with each of its rounds, the date each second.
private struct ShortFields {
  private var beforeID: [UInt8] = []
  private var behindID: [UInt8] = []
  private var through: Int64??
  private var second: Int64 = .min

  /// Bytes of all but the id.
  var bytes: Int { beforeID.count + behindID.count }

  mutating func update(_ currency: FeedCurrency?, secondsSince1970 second: Int64) {
    let through = currency?.completeThroughMilliseconds
    if self.through != .some(through) {
      self.through = .some(through)
      let statement = currency?.completeThrough.map { "\r\nStrandline-Complete-Through: \($0)" }
      beforeID = Array("\r\nCache-Control: no-store\(statement ?? "")\r\nX-Request-Id: ".utf8)
    }
    if second != self.second {
      self.second = second
      behindID = Array("\r\nDate: \(HTTPDate.format(second))\r\n\r\n".utf8)
    }
  }

  func write(id: UnsafeRawBufferPointer?, to cursor: inout TextCursor) {
    cursor.write(beforeID)
    if let id { cursor.write(id) } else { RequestID.make(to: &cursor) }
    cursor.write(behindID)
  }
}
