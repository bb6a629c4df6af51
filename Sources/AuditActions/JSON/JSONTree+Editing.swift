/// Changing a document at a place. Each tells whether it could; a document it could not change is as it was.
extension JSONTree {
  /// The value at a place; nil when there is none.
  package func value(at pointer: JSONPointer) -> JSONTree? {
    var found = self
    for token in pointer.tokens {
      switch found {
      case .object(let members):
        guard let value = members.first(where: { $0.isNamed(token) })?.value else { return nil }
        found = value
      case .array(let elements):
        guard let index = Self.index(token), index < elements.count else { return nil }
        found = elements[index]
      case .scalar: return nil
      }
    }
    return found
  }

  /// Adds a member, or puts its value in another's place; inserts an element before the one at that index, or behind
  /// the last (`-`). The empty path is the document itself.
  mutating func add(_ value: JSONTree, at path: ArraySlice<String>) -> Bool {
    guard let token = path.first else {
      self = value
      return true
    }
    guard path.count == 1 else { return change(token) { $0.add(value, at: path.dropFirst()) } ?? false }
    switch self {
    case .object(var members):
      if let place = members.firstIndex(where: { $0.isNamed(token) }) {
        members[place].value = value
      } else {
        members.append(Member(token, value))
      }
      self = .object(members)
    case .array(var elements):
      guard let index = token == "-" ? elements.count : Self.index(token), index <= elements.count else { return false }
      elements.insert(value, at: index)
      self = .array(elements)
    case .scalar: return false
    }
    return true
  }

  mutating func replace(with value: JSONTree, at path: ArraySlice<String>) -> Bool {
    guard let token = path.first else {
      self = value
      return true
    }
    return change(token) { $0.replace(with: value, at: path.dropFirst()) } ?? false
  }

  /// What was there; nil when nothing was, and for the document itself, which cannot be taken away.
  mutating func remove(at path: ArraySlice<String>) -> JSONTree? {
    guard let token = path.first else { return nil }
    guard path.count == 1 else { return change(token) { $0.remove(at: path.dropFirst()) } ?? nil }
    switch self {
    case .object(var members):
      guard let place = members.firstIndex(where: { $0.isNamed(token) }) else { return nil }
      let removed = members.remove(at: place).value
      self = .object(members)
      return removed
    case .array(var elements):
      guard let index = Self.index(token), index < elements.count else { return nil }
      let removed = elements.remove(at: index)
      self = .array(elements)
      return removed
    case .scalar: return nil
    }
  }

  /// Changes the child of that name or index; nil when there is none.
  private mutating func change<Result>(_ token: String, _ body: (inout JSONTree) -> Result) -> Result? {
    switch self {
    case .object(var members):
      guard let place = members.firstIndex(where: { $0.isNamed(token) }) else { return nil }
      defer { self = .object(members) }
      return body(&members[place].value)
    case .array(var elements):
      guard let index = Self.index(token), index < elements.count else { return nil }
      defer { self = .array(elements) }
      return body(&elements[index])
    case .scalar: return nil
    }
  }

  /// An index as RFC 6901 writes it: digits without a zero in front.
  private static func index(_ token: String) -> Int? {
    let digits = token.utf8
    guard !digits.isEmpty, digits.count <= 9, digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
      digits.count == 1 || digits.first != 0x30
    else { return nil }
    return Int(token)
  }
}
