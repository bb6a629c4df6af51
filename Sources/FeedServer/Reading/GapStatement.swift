import ActionStore
import AuditActions
import NIOCore

/// How an answer says what its reader can no longer read.
enum GapStatement {
  /// How many actions were lost; `unknown` when one of the gaps was not counted.
  static let lostField = "Strandline-Lost"
  /// Up to when the node has read everything the topic held, as RFC 3339.
  static let completeThroughField = "Strandline-Complete-Through"

  /// How many numbers of sources' logs have not come that are known to be the queue's.
  static let missingField = "Strandline-Missing"

  static func lost(_ gaps: [Gap]) -> String {
    var sum: UInt64 = 0
    for gap in gaps {
      guard let count = gap.count else { return "unknown" }
      sum &+= count
    }
    return String(sum)
  }
}

/// The archive of the topic, as gap statements name it.
package struct ArchiveLink: Sendable, Equatable {
  /// Of the folder with the topic's objects; their names hold partition, first and last offset.
  let href: String

  /// - Parameter url: what `strandline archive --to` was given
  package init(url: String, topic: String) {
    href = url + (url.hasSuffix("/") ? "" : "/") + "topic=\(topic)/"
  }
}

extension MissingNumbers {
  /// As a JSON array of `{"source","log","count","ranges","since","href"}`, the lowest ranges of each log.
  var text: ByteBuffer {
    var text = ByteBuffer()
    text.writeStaticString("[")
    for (index, log) in logs.enumerated() {
      text.writeString(index > 0 ? ",{\"source\":" : "{\"source\":")
      text.writeJSONString(log.key.source)
      let since = ActionTime(
        nanosecondsSince1970: log.sinceMilliseconds.multipliedReportingOverflow(by: 1_000_000).partialValue)
      text.writeString(
        ",\"log\":\"\(log.key.log)\",\"count\":\(log.count),\"ranges\":\"\(log.ranges)\",\"since\":\"\(since.rfc3339)\","
          + "\"href\":\"\(log.key.href)\"}")
    }
    text.writeStaticString("]")
    return text
  }
}

extension SourceLogKey {
  /// Where all is told of the log.
  var href: String { "/v1/\(project)/sources/\(PercentCoding.encode(source))/logs/\(log)" }
}

extension ByteBuffer {
  /// The gaps as a JSON array of `{"reason","count","from","to","links"}`. `from` and `to` are places in the topic, both
  /// included.
  ///
  /// A link to the archive names partition and offsets as `strandline archive cat` takes them.
  mutating func writeGaps(_ gaps: [Gap], archive: ArchiveLink?) {
    writeStaticString("[")
    for (index, gap) in gaps.enumerated() {
      if index > 0 { writeStaticString(",") }
      let count = gap.count.map { String($0) } ?? "null"
      writeString(
        "{\"reason\":\"\(gap.reason.rawValue)\",\"count\":\(count)"
          + ",\"from\":{\"partition\":\(gap.partition),\"offset\":\(gap.from)}"
          + ",\"to\":{\"partition\":\(gap.partition),\"offset\":\(gap.to)},\"links\":[")
      if let archive {
        writeStaticString("{\"rel\":\"archive\",\"href\":")
        writeJSONString(archive.href)
        writeString(",\"partition\":\(gap.partition),\"offsets\":\"\(gap.from)-\(gap.to)\"}")
      }
      writeStaticString("]}")
    }
    writeStaticString("]")
  }
}
