/// The parts of a store's URL: `scheme://authority/path?option=value`.
struct StoreURL: Equatable {
  let scheme: String
  /// Bucket or container; empty for files.
  let authority: String
  /// Decoded, without `/` at either end.
  let path: String
  /// Decoded. Each at most once.
  let options: [String: String]

  /// - Throws: `invalidConfiguration`. The message does not repeat the text, which may hold a password.
  init(_ text: String) throws(ObjectStoreError) {
    guard let colon = text.firstRange(of: "://") else {
      throw ObjectStoreError(
        .invalidConfiguration, "the store's URL must be file:///folder, s3://bucket/prefix or swift://container/prefix")
    }
    scheme = text[..<colon.lowerBound].lowercased()
    guard !text.contains("#") else {
      throw ObjectStoreError(.invalidConfiguration, "the store's URL has a '#': write it as %23")
    }
    let rest = text[colon.upperBound...]
    let question = rest.firstIndex(of: "?")
    let place = rest[..<(question ?? rest.endIndex)]
    let slash = place.firstIndex(of: "/") ?? place.endIndex
    let authority = place[..<slash]
    guard !authority.contains("@") else {
      throw ObjectStoreError(
        .invalidConfiguration,
        "the store's URL holds a name or password before '@': leave it out and set it in the environment")
    }
    self.authority = try Self.decoded(authority)
    path = try Self.decoded(place[slash...].trimming("/"))
    options = try Self.options(question.map { rest[rest.index(after: $0)...] } ?? "")
  }

  /// Refuses options that the store does not know: a misspelt one would be silently without effect.
  func check(knownOptions: Set<String>) throws(ObjectStoreError) {
    guard let unknown = options.keys.sorted().first(where: { !knownOptions.contains($0) }) else { return }
    let known = knownOptions.sorted().joined(separator: ", ")
    throw ObjectStoreError(
      .invalidConfiguration,
      "the store's URL has the unknown option '\(ObjectKey.shown(unknown))'; \(scheme): knows \(known.isEmpty ? "none" : known)"
    )
  }

  private static func options(_ query: Substring) throws(ObjectStoreError) -> [String: String] {
    var options: [String: String] = [:]
    for pair in query.split(separator: "&") {
      let equals = pair.firstIndex(of: "=") ?? pair.endIndex
      let name = try decoded(pair[..<equals])
      let value = try decoded(equals < pair.endIndex ? pair[pair.index(after: equals)...] : "")
      guard options.updateValue(value, forKey: name) == nil else {
        throw ObjectStoreError(
          .invalidConfiguration, "the store's URL has the option '\(ObjectKey.shown(name))' more than once")
      }
    }
    return options
  }

  private static func decoded(_ text: Substring) throws(ObjectStoreError) -> String {
    guard let decoded = PercentEncoding.decoded(text) else {
      throw ObjectStoreError(
        .invalidConfiguration,
        "the store's URL has a '%' that two hexadecimal digits of UTF-8 do not follow: write it as %25")
    }
    return decoded
  }
}

extension Substring {
  fileprivate func trimming(_ character: Character) -> Substring {
    var text = self
    while text.first == character { text.removeFirst() }
    while text.last == character { text.removeLast() }
    return text
  }
}
