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

  /// What was taken out of a document.
  struct Removed {
    var value: JSONTree
    /// Of the value.
    var size: (bytes: Int, depth: Int)
    /// By how many bytes the document became shorter.
    var bytes: Int
  }

  /// Adds a member, or puts its value in another's place; inserts an element before the one at that index, or behind
  /// the last (`-`). The empty path is the document itself.
  /// - Parameter bytes: of the value, as ``size`` counts them.
  /// - Returns: by how many bytes the document grew; nil when it could not be changed.
  mutating func add(_ value: JSONTree, bytes: Int, at path: ArraySlice<String>) -> Int? {
    guard let token = path.first else { return become(value, bytes: bytes) }
    guard path.count == 1 else { return change(token) { $0.add(value, bytes: bytes, at: path.dropFirst()) } ?? nil }
    switch self {
    case .object(var members):
      self = .null
      defer { self = .object(members) }
      if let place = members.firstIndex(where: { $0.isNamed(token) }) {
        return members[place].value.become(value, bytes: bytes)
      }
      members.append(Member(token, value))
      return Self.bytes(ofMember: token) + bytes + Self.separators(members.count)
    case .array(var elements):
      guard let index = token == "-" ? elements.count : Self.index(token), index <= elements.count else { return nil }
      self = .null
      defer { self = .array(elements) }
      elements.insert(value, at: index)
      return bytes + Self.separators(elements.count)
    case .scalar: return nil
    }
  }

  /// - Returns: by how many bytes the document grew; nil when it could not be changed.
  mutating func replace(with value: JSONTree, bytes: Int, at path: ArraySlice<String>) -> Int? {
    guard let token = path.first else { return become(value, bytes: bytes) }
    return change(token) { $0.replace(with: value, bytes: bytes, at: path.dropFirst()) } ?? nil
  }

  /// What was there; nil when nothing was, and for the document itself, which cannot be taken away.
  mutating func remove(at path: ArraySlice<String>) -> Removed? {
    guard let token = path.first else { return nil }
    guard path.count == 1 else { return change(token) { $0.remove(at: path.dropFirst()) } ?? nil }
    switch self {
    case .object(var members):
      guard let place = members.firstIndex(where: { $0.isNamed(token) }) else { return nil }
      self = .null
      defer { self = .object(members) }
      let separators = Self.separators(members.count)
      let removed = members.remove(at: place)
      let size = removed.value.size
      return Removed(
        value: removed.value, size: size, bytes: Self.bytes(ofMember: removed.name) + size.bytes + separators)
    case .array(var elements):
      guard let index = Self.index(token), index < elements.count else { return nil }
      self = .null
      defer { self = .array(elements) }
      let separators = Self.separators(elements.count)
      let removed = elements.remove(at: index)
      let size = removed.size
      return Removed(value: removed, size: size, bytes: size.bytes + separators)
    case .scalar: return nil
    }
  }

  /// - Returns: by how many bytes it grew.
  private mutating func become(_ value: JSONTree, bytes: Int) -> Int {
    defer { self = value }
    return bytes - size.bytes
  }

  /// Changes the child of that name or index; nil when there is none.
  private mutating func change<Result>(_ token: String, _ body: (inout JSONTree) -> Result) -> Result? {
    switch self {
    case .object(var members):
      guard let place = members.firstIndex(where: { $0.isNamed(token) }) else { return nil }
      // Given up for a moment, so that the members are changed where they are and not in a copy.
      self = .null
      defer { self = .object(members) }
      return body(&members[place].value)
    case .array(var elements):
      guard let index = Self.index(token), index < elements.count else { return nil }
      self = .null
      defer { self = .array(elements) }
      return body(&elements[index])
    case .scalar: return nil
    }
  }

  /// Quotation marks and colon.
  private static func bytes(ofMember name: String) -> Int { name.utf8.count + 3 }

  /// What one more of as many members or elements costs between them.
  private static func separators(_ count: Int) -> Int { count > 1 ? 1 : 0 }

  /// An index as RFC 6901 writes it: digits without a zero in front.
  private static func index(_ token: String) -> Int? {
    let digits = token.utf8
    guard !digits.isEmpty, digits.count <= 9, digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
      digits.count == 1 || digits.first != 0x30
    else { return nil }
    return Int(token)
  }
}
