import ActionStore
import AuditActions
import NIOCore

/// Answers single actions, by path and by `?ids=`.
struct ItemsResponder: Sendable {
  let store: ActionStore

  func answer(id: String, queue: QueueAddress, location: String) throws(Problem) -> FeedAnswer {
    let position = try open(id, queue: queue, parameter: "id")
    // The time is taken before the action is read: no age then reaches its TTL.
    let writer = ActionWriter(queue: QueueReference(queue), sealer: store.sealer, now: store.nowMilliseconds())
    guard let action = store.action(at: position, in: queue) else { throw missing([position]) }
    var body = ByteBuffer()
    try body.write(PageActions([action]), by: writer)
    return answer(body, location: location)
  }

  /// Those of the ids that are there, in the order they were asked for, each once.
  /// - Throws: 404 when none is.
  func answer(ids values: [String], queue: QueueAddress, location: String) throws(Problem) -> FeedAnswer {
    var ids: [Substring] = []
    for value in values {
      for id in value.split(separator: ",", maxSplits: ActionLimits.pageActionsMax) where !ids.contains(id) {
        ids.append(id)
        guard ids.count <= ActionLimits.pageActionsMax else { throw Self.wrongCount }
      }
    }
    guard !ids.isEmpty else { throw Self.wrongCount }
    let writer = ActionWriter(queue: QueueReference(queue), sealer: store.sealer, now: store.nowMilliseconds())
    var positions: [ActionPosition] = []
    for id in ids { positions.append(try open(String(id), queue: queue, parameter: "ids")) }
    let actions = positions.compactMap { store.action(at: $0, in: queue) }
    guard !actions.isEmpty else { throw missing(positions) }
    var body = ByteBuffer()
    // `links` is empty: there is nothing to go on to, but Zaqar's client looks for it.
    body.writeStaticString("{\"links\":[],\"messages\":[")
    try body.write(PageActions(actions), by: writer)
    body.writeStaticString("]}")
    return answer(body, location: location)
  }

  /// An id that names a place this node has not come to yet was given out by another: nothing can be said of it here.
  private func missing(_ positions: [ActionPosition]) -> Problem {
    if store.isDamaged { return .unreadable }
    let isUnread = positions.contains { $0.offset >= store.nextOffset(of: $0.partition) ?? 0 }
    return isUnread
      ? .unavailable("this node has not read the topic as far as that action", retryAfterSeconds: 1) : .unknownAction
  }

  private static let wrongCount = Problem.invalidParameter(
    "ids is a list of 1 to \(ActionLimits.pageActionsMax) ids divided by commas", parameter: "ids",
    allowed: .range(minimum: 1, maximum: ActionLimits.pageActionsMax))

  private func open(_ id: String, queue: QueueAddress, parameter: String) throws(Problem) -> ActionPosition {
    do {
      return try store.sealer.openID(id, queue: queue)
    } catch {
      throw Problem(error, parameter: parameter)
    }
  }

  private func answer(_ body: ByteBuffer, location: String) -> FeedAnswer {
    var answer = FeedAnswer(status: 200)
    answer.setBody(body, contentType: "application/json")
    answer.add("Content-Location", location)
    answer.add("Cache-Control", "no-store")
    return answer
  }
}
