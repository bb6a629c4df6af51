/// The conditions of a request: `If-Match` and `If-None-Match` (RFC 9110, section 13.1).
struct EntityTags {
  private enum Condition {
    case any
    case tags([String])
  }

  private let match: Condition?
  private let noneMatch: Condition?

  /// - Throws: a 400 for a field that is no list of entity tags: without its quotes a tag would match nothing.
  init(_ request: FeedRequest) throws(Problem) {
    match = try Self.condition(request.ifMatch, "If-Match")
    noneMatch = try Self.condition(request.ifNoneMatch, "If-None-Match")
  }

  /// Whether a change may be made to what has this tag; nil: to something that is not there.
  func allowChange(of tag: String?) -> Bool {
    let isMatched: Bool =
      switch match {
      case nil: true
      case .any: tag != nil
      case .tags(let tags): tag.map { tags.contains($0) } ?? false
      }
    return isMatched && !isKnown(tag)
  }

  /// Whether the reader has what has this tag: then a GET is answered with 304.
  func isKnown(_ tag: String?) -> Bool {
    switch noneMatch {
    case nil: false
    case .any: tag != nil
    // Weak comparison (section 8.8.3.2).
    case .tags(let tags): tag.map { tags.contains($0) || tags.contains("W/" + $0) } ?? false
    }
  }

  private static func condition(_ field: String?, _ name: String) throws(Problem) -> Condition? {
    guard let field else { return nil }
    let parts = field.split(separator: ",").map { String(Accept.trim($0)) }.filter { !$0.isEmpty }
    if parts == ["*"] { return .any }
    for part in parts {
      let quoted = part.hasPrefix("W/") ? part.dropFirst(2) : part[...]
      guard quoted.utf8.count >= 2, quoted.utf8.first == 0x22, quoted.utf8.last == 0x22 else {
        throw .invalidParameter("\(name) is * or entity tags in quotes, such as \"0-17\"", parameter: name)
      }
    }
    return .tags(parts)
  }
}
