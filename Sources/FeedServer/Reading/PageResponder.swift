import ActionStore
import AuditActions
import NIOCore

/// How far a node can vouch for what it serves. An empty page says "nothing happened up to now", so it may be given
/// only by a node that has read the topic up to now.
package enum FeedCurrency: Sendable, Equatable {
  /// Everything Kafka had at this moment (milliseconds since 1970) is in the store.
  case completeThrough(milliseconds: Int64)
  /// Behind, cut off or rebuilding: an empty page is answered with 503.
  case behind(detail: String, retryAfterSeconds: Int)
}

/// Answers pages. Pure and synchronous but for the store it reads, so that both ways in can call it.
struct PageResponder: Sendable {
  let store: ActionStore
  /// Nil when nothing is known: empty pages are then given without a statement of time.
  let currency: (@Sendable () -> FeedCurrency)?

  /// The header of a 204 that says up to when nothing more had happened, as RFC 3339.
  static let completeThroughField = "Strandline-Complete-Through"

  func answer(_ page: PageRequest, location: String) throws(Problem) -> FeedAnswer {
    // Asked before the page is read: what came between the two is on the page.
    let currency = currency?()
    // So is the time: no age then reaches its TTL.
    let writer = ActionWriter(queue: page.queue, sealer: store.sealer, now: store.nowMilliseconds())
    let found = store.page(of: page.queue, after: page.marker, limit: page.limit, events: page.events)
    if found.actions.isEmpty, found.isExhausted {
      return try empty(page, found.marker, currency: currency, location: location)
    }
    let next = page.nextHref(found.marker, sealer: store.sealer)
    var body = ByteBuffer()
    body.reserveCapacity(writer.capacity(for: found.actions) + next.utf8.count + 64)
    body.writeStaticString("{\"links\":[{\"rel\":\"next\",\"href\":\"")
    body.writeString(next)
    body.writeStaticString("\"}],\"messages\":[")
    writer.write(found.actions, to: &body)
    body.writeStaticString("]}")
    var answer = FeedAnswer(status: 200)
    answer.setBody(body, contentType: "application/json")
    answer.add("Content-Location", location)
    answer.add("Link", "<" + next + ">; rel=\"next\"")
    answer.add("Cache-Control", "no-store")
    return answer
  }

  private func empty(
    _ page: PageRequest, _ marker: Marker, currency: FeedCurrency?, location: String
  ) throws(Problem) -> FeedAnswer {
    var answer = FeedAnswer(status: 204)
    answer.add("Content-Location", location)
    switch currency {
    case .behind(let detail, let retryAfterSeconds):
      throw .unavailable(detail, retryAfterSeconds: retryAfterSeconds)
    case .completeThrough(let milliseconds):
      let time = ActionTime(nanosecondsSince1970: milliseconds.multipliedReportingOverflow(by: 1_000_000).partialValue)
      answer.add(Self.completeThroughField, time.rfc3339)
    case nil:
      break
    }
    if marker != page.marker, !marker.entries.isEmpty {
      // The filter passed over actions: going on behind them saves looking at them again.
      answer.add("Link", "<" + page.nextHref(marker, sealer: store.sealer) + ">; rel=\"next\"")
    }
    answer.add("Cache-Control", "no-store")
    return answer
  }
}
