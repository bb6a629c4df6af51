import ActionStore
import AuditActions
import NIOCore
import QueueMetadata

/// Answers which queues a project has, and what is known of one.
struct QueuesResponder: Sendable {
  let store: ActionStore
  /// Nil: every queue is audited.
  let audit: AuditedQueues?

  /// A page of the project's queues by name. The marker is the name of the last queue seen, as in Zaqar.
  func answer(
    project: String, query: QueryItems, currency: FeedCurrency?, location: String
  ) throws(Problem) -> FeedAnswer {
    try query.check(known: ["marker", "limit"], tolerated: ["detailed"])
    let limit = try PageLimit.parse(try query.single("limit"))
    let after = try query.single("marker")
    if let after {
      do { try QueueAddress.validateQueue(after) } catch {
        throw .invalidParameter(
          "the marker of a list of queues is a queue's name; take it from the `next` link as it is",
          parameter: "marker")
      }
    }
    let names = store.queues(of: project, after: after, limit: limit)
    if names.isEmpty { try currency.vouch() }
    var answer = FeedAnswer(status: names.isEmpty ? 204 : 200)
    answer.add("Content-Location", location)
    answer.add("Cache-Control", "no-store")
    guard let last = names.last else { return answer }
    let next = "/v1/\(project)/queues?marker=\(last)&limit=\(limit)"
    answer.add("Link", "<\(next)>; rel=\"next\"")
    // Names of projects and queues have no characters that JSON escapes.
    var body = ByteBuffer()
    body.writeString("{\"links\":[{\"rel\":\"next\",\"href\":\"\(next)\"}],\"queues\":[")
    for (index, name) in names.enumerated() {
      if index > 0 { body.writeStaticString(",") }
      body.writeString("{\"name\":\"\(name)\",\"href\":\"/v1/\(project)/queues/\(name)/actions\"")
      // Not told by a node that has not read it.
      if let audit, let address = try? QueueAddress(project: project, queue: name),
        let isAudited = audit.reader.isAudited(address)
      {
        body.writeString(",\"audited\":\(isAudited)")
      }
      body.writeStaticString("}")
    }
    body.writeStaticString("]}")
    answer.setBody(body, contentType: "application/json")
    return answer
  }

  /// Counts, oldest and newest, in the shape of Zaqar's queue statistics.
  /// `received = live + expired_served + expired_unread + rejected`.
  func statistics(
    of queue: QueueAddress, currency: FeedCurrency?, location: String
  ) throws(Problem) -> FeedAnswer {
    let writer = ActionWriter(queue: QueueReference(queue), sealer: store.sealer, now: store.nowMilliseconds())
    guard let statistics = store.statistics(of: queue) else {
      // A node that has not read everything cannot know that there is none.
      if let behind = currency?.behind {
        throw .unavailable(behind.detail, retryAfterSeconds: behind.retryAfterSeconds)
      }
      throw .unknownQueue
    }
    var body = ByteBuffer()
    body.writeString("{\"messages\":{\"total\":\(statistics.live)")
    body.writeString(",\"received\":\(statistics.received),\"live\":\(statistics.live)")
    body.writeString(",\"expired\":\(statistics.expired),\"expired_served\":\(statistics.expiredServed)")
    body.writeString(",\"expired_unread\":\(statistics.expiredUnread)")
    body.writeString(",\"over_retention\":\(statistics.overRetention),\"rejected\":\(statistics.rejected)")
    body.writeString(",\"duplicates\":\(statistics.duplicates),\"balanced\":\(statistics.isBalanced)")
    body.writeStaticString(",\"rejected_by_reason\":{")
    for (index, item) in statistics.rejectedByReason.sorted(by: { $0.key < $1.key }).enumerated() {
      body.writeString("\(index > 0 ? "," : "")\"\(item.key)\":\(item.value)")
    }
    body.writeStaticString("}")
    if let oldest = statistics.oldest { body.writeEnd("oldest", oldest, writer) }
    if let newest = statistics.newest { body.writeEnd("newest", newest, writer) }
    body.writeStaticString("}}")
    var answer = FeedAnswer(status: 200)
    answer.setBody(body, contentType: "application/json")
    answer.add("Content-Location", location)
    answer.add("Cache-Control", "no-store")
    return answer
  }
}

extension ByteBuffer {
  /// One end of a queue: `,"oldest":{"href","age","created"}`.
  fileprivate mutating func writeEnd(_ name: String, _ action: StoredAction, _ writer: ActionWriter) {
    let nanoseconds = action.createdMilliseconds.multipliedReportingOverflow(by: 1_000_000).partialValue
    let created = ActionTime(nanosecondsSince1970: nanoseconds).rfc3339
    writeString(
      ",\"\(name)\":{\"href\":\"\(writer.href(of: action))\",\"age\":\(writer.age(of: action)),"
        + "\"created\":\"\(created)\"}")
  }
}
