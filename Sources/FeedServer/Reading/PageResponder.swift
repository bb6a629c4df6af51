import ActionStore
import AuditActions
import NIOCore

/// Answers pages. Pure and synchronous but for the store it reads, so that both ways in can call it.
struct PageResponder: Sendable {
  let store: ActionStore
  let archive: ArchiveLink?
  /// Nil: every queue is audited.
  let audit: AuditedQueues?

  /// - Parameter currency: as it was before the page is read.
  func answer(_ page: PageRequest, currency: FeedCurrency?, location: String) throws(Problem) -> FeedAnswer {
    // The time is taken before the page is read: no age then reaches its TTL.
    let writer = ActionWriter(queue: page.queue, sealer: store.sealer, now: store.nowMilliseconds())
    let missing = currency.missing(of: page.queue, in: store)
    let found = store.page(
      of: page.queue, after: page.marker, limit: page.limit, events: page.events, stopsAtGaps: page.isStrict)
    if found.actions.isEmpty, store.isDamaged { throw .unreadable }
    if found.actions.isEmpty, found.gaps.isEmpty, found.isExhausted {
      return try empty(page, found.marker, missing: missing, currency: currency, location: location)
    }
    var next = page.nextHref(found.marker, sealer: store.sealer)
    if page.isStrict, !found.gaps.isEmpty {
      throw .lost(found.gaps, archive: archive, resume: next)
    }
    let text = PageText(found, missing: missing, writer: writer, archive: archive)
    var body = ByteBuffer()
    let isWhole = next.withUTF8 { next in
      body.writeText(count: text.bytes(next: next.count)) { text.write(to: &$0, next: UnsafeRawBufferPointer(next)) }
    }
    guard isWhole else { throw .unwritable }
    var answer = FeedAnswer(status: 200)
    answer.setBody(body, contentType: "application/json")
    answer.add("Content-Location", location)
    answer.add("Link", "<" + next + ">; rel=\"next\"")
    if !found.gaps.isEmpty { answer.add(GapStatement.lostField, GapStatement.lost(found.gaps)) }
    if let missing { answer.add(GapStatement.missingField, String(missing.count)) }
    if page.isStrict { answer.add("Preference-Applied", "handling=strict") }
    answer.add("Cache-Control", "no-store")
    return answer
  }

  private func empty(
    _ page: PageRequest, _ marker: Marker, missing: MissingNumbers?, currency: FeedCurrency?, location: String
  ) throws(Problem) -> FeedAnswer {
    if let behind = currency?.behind {
      throw .unavailable(behind.detail, retryAfterSeconds: behind.retryAfterSeconds)
    }
    try audit?.requireAudit(of: page.queue.address, events: page.events)
    var answer = FeedAnswer(status: 204)
    answer.add("Content-Location", location)
    // A page would have its reader ask again at once.
    if let missing { answer.add(GapStatement.missingField, String(missing.count)) }
    if page.isStrict { answer.add("Preference-Applied", "handling=strict") }
    if marker != page.marker, !marker.entries.isEmpty {
      // The filter passed over actions: going on behind them saves looking at them again.
      answer.add("Link", "<" + page.nextHref(marker, sealer: store.sealer) + ">; rel=\"next\"")
    }
    answer.add("Cache-Control", "no-store")
    return answer
  }
}
