import ActionStore
import AuditActions
import NIOCore

/// Answers which sources a project's actions came from, and what is missing of each of their logs.
struct SourcesResponder: Sendable {
  let store: ActionStore

  /// A page of the project's logs by source and log id. The marker is `log@source` of the last one seen.
  func answer(
    project: String, query: QueryItems, currency: FeedCurrency?, location: String
  ) throws(Problem) -> FeedAnswer {
    try query.check(known: ["marker", "limit"])
    let limit = try PageLimit.parse(try query.single("limit"))
    var after: SourceLogKey?
    if let marker = try query.single("marker") {
      guard let at = marker.firstIndex(of: "@") else {
        throw .invalidParameter(
          "the marker of a list of sources is a log id, an @ and a source; take it from the `next` link as it is",
          parameter: "marker")
      }
      after = SourceLogKey(
        project: project, source: String(marker[marker.index(after: at)...]), log: String(marker[..<at]))
    }
    let logs = store.sourceLogs(of: project, after: after, limit: limit)
    if logs.isEmpty { try currency.vouch() }
    var answer = FeedAnswer(status: logs.isEmpty ? 204 : 200)
    answer.add("Content-Location", location)
    answer.add("Cache-Control", "no-store")
    guard let last = logs.last?.key else { return answer }
    let marker = PercentCoding.encode("\(last.log)@\(last.source)")
    let next = "/v1/\(project)/sources?marker=\(marker)&limit=\(limit)"
    answer.add("Link", "<\(next)>; rel=\"next\"")
    var body = ByteBuffer()
    body.writeString("{\"links\":[{\"rel\":\"next\",\"href\":\"\(next)\"}],\"sources\":[")
    for (index, item) in logs.enumerated() {
      if index > 0 { body.writeStaticString(",") }
      body.writeStaticString("{")
      body.writeSummary(item.key, item.log, lowest: store.purgePoint(of: item.key))
      let source = PercentCoding.encode(item.key.source)
      body.writeString(",\"href\":\"/v1/\(project)/sources/\(source)/logs/\(item.key.log)\"}")
    }
    body.writeStaticString("]}")
    answer.setBody(body, contentType: "application/json")
    return answer
  }

  /// What came of one log: received and missing ranges, the latter with the time since when.
  func answer(of key: SourceLogKey, currency: FeedCurrency?, location: String) throws(Problem) -> FeedAnswer {
    let found = try log(key, currency)
    let lowest = store.purgePoint(of: key)
    let gaps = found.gaps(from: lowest)
    var body = ByteBuffer()
    body.writeStaticString("{")
    body.writeSummary(key, found, lowest: lowest)
    body.writeString(",\"received\":\"\(found.received)\",\"missing\":[")
    for (index, gap) in gaps.enumerated() {
      body.writeString(
        "\(index > 0 ? "," : "")"
          + "{\"range\":\"\(SequenceRanges(gap.numbers))\",\"since\":\"\(Self.time(gap.sinceMilliseconds))\"}")
    }
    body.writeString("],\"duplicates\":\(found.duplicates)")
    if found.forgotten > 0 {
      body.writeString(",\"forgotten_below\":\(found.forgottenBelow),\"forgotten_count\":\(found.forgotten)")
    }
    body.writeStaticString("}")
    var answer = FeedAnswer(status: 200)
    answer.setBody(body, contentType: "application/json")
    answer.add("Content-Location", location)
    answer.add("Cache-Control", "no-store")
    return answer
  }

  /// From which number on a log's actions are wanted.
  func answer(lowestOf key: SourceLogKey, currency: FeedCurrency?) throws(Problem) -> FeedAnswer {
    _ = try log(key, currency)
    return Self.answer(lowest: store.purgePoint(of: key))
  }

  static func answer(lowest: Int64) -> FeedAnswer {
    var answer = FeedAnswer(status: 200)
    answer.setBody(ByteBuffer(string: "{\"lowest\":\(lowest)}"), contentType: "application/json")
    answer.add("Cache-Control", "no-store")
    return answer
  }

  /// - Throws: 404 for one of which nothing came; 503 where that is not known.
  @discardableResult
  func log(_ key: SourceLogKey, _ currency: FeedCurrency?) throws(Problem) -> SourceLog {
    if let found = store.sourceLog(key) { return found }
    // A node that has not read everything cannot know that there is none.
    if let behind = currency?.behind {
      throw .unavailable(behind.detail, retryAfterSeconds: behind.retryAfterSeconds)
    }
    throw .unknownSourceLog
  }

  static func time(_ milliseconds: Int64) -> String {
    ActionTime(nanosecondsSince1970: milliseconds.multipliedReportingOverflow(by: 1_000_000).partialValue).rfc3339
  }
}

extension ByteBuffer {
  /// The members that a log has in the list and by itself.
  fileprivate mutating func writeSummary(_ key: SourceLogKey, _ log: SourceLog, lowest: Int64) {
    let missing = log.gaps(from: lowest).reduce(0) { $0 + ($1.numbers.upperBound - $1.numbers.lowerBound + 1) }
    writeStaticString("\"source\":")
    writeJSONString(key.source)
    writeString(
      ",\"log\":\"\(key.log)\",\"highest\":\(log.highest),\"received_count\":\(log.receivedCount),"
        + "\"missing_count\":\(missing),\"lowest\":\(lowest),"
        + "\"first_seen\":\"\(SourcesResponder.time(log.firstSeenMilliseconds))\","
        + "\"last_seen\":\"\(SourcesResponder.time(log.lastSeenMilliseconds))\"")
  }
}
