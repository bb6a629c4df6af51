/// A place in a hierarchy of topics, such as `node.connection.forward`, most general part first.
///
/// 1…256 characters; the parts are made of `A-Z a-z 0-9 _ -` and divided by dots.
public struct TopicPath: Hashable, Sendable, CustomStringConvertible {
  public let text: String

  /// - Throws: `invalid_topic_path`.
  public init(_ text: String) throws(AuditActionError) {
    let utf8 = text.utf8
    let parts = utf8.split(separator: 0x2E, omittingEmptySubsequences: false)
    guard utf8.count <= ActionLimits.topicPathCharactersMax,
      parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(NameCharacters.contains) })
    else {
      throw AuditActionError(
        .invalidTopicPath,
        "a topic path has 1 to \(ActionLimits.topicPathCharactersMax) characters: parts out of A-Z a-z 0-9 _ - "
          + "divided by single dots",
        parameter: "topic")
    }
    self.text = text
  }

  /// The parts between the dots.
  public var parts: [Substring] { text.split(separator: ".") }

  /// Whether `other` is this path or lies below it. Whole parts count: `node.conn` does not hold `node.connection`.
  public func contains(_ other: TopicPath) -> Bool {
    guard other.text.utf8.starts(with: text.utf8) else { return false }
    return other.text.utf8.count == text.utf8.count
      || other.text.utf8.dropFirst(text.utf8.count).first == 0x2E
  }

  public var description: String { text }
}
