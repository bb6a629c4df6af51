/// The parameters of a query, in their order, percent-decoded.
struct QueryItems {
  /// Parameters a query may have; Zaqar's clients send no more than four.
  static let countMax = 100

  private(set) var items: [(name: String, value: String)] = []

  /// - Throws: a 400 for a broken percent-encoding or too many parameters.
  init(_ query: Substring?) throws(Problem) {
    guard let query, !query.isEmpty else { return }
    for part in query.split(separator: "&", maxSplits: Self.countMax, omittingEmptySubsequences: true) {
      guard items.count < Self.countMax else {
        throw .invalidParameter("a query has at most \(Self.countMax) parameters")
      }
      let name: Substring
      let value: Substring
      if let equals = part.utf8.firstIndex(of: 0x3D) {
        name = part[..<equals]
        value = part[part.utf8.index(after: equals)...]
      } else {
        name = part
        value = ""
      }
      guard let name = PercentCoding.decode(name, plusIsSpace: true),
        let value = PercentCoding.decode(value, plusIsSpace: true)
      else { throw .invalidPercentCoding }
      items.append((name, value))
    }
  }

  /// The value of a parameter that may be given once.
  /// - Throws: a 400 when it is given twice, since one of the two would be ignored silently.
  func single(_ name: String) throws(Problem) -> String? {
    var found: String?
    for item in items where item.name == name {
      guard found == nil else {
        throw .invalidParameter("\(name) may be given once only", parameter: name)
      }
      found = item.value
    }
    return found
  }

  /// All values of a parameter that may be repeated.
  func all(_ name: String) -> [String] {
    items.lazy.filter { $0.name == name }.map(\.value)
  }

  func contains(_ name: String) -> Bool { items.contains { $0.name == name } }

  /// Refuses parameters the route does not know. A misspelt `makrer` would otherwise read from the head of the queue,
  /// again and again, without a word.
  ///
  /// - Parameters:
  ///   - known: what the route reads.
  ///   - tolerated: what Zaqar's clients send for message listings and has no meaning here.
  func check(known: [String], tolerated: [String] = []) throws(Problem) {
    for item in items where !known.contains(item.name) && !tolerated.contains(item.name) {
      throw .unknownParameter(item.name, known: known)
    }
  }
}
