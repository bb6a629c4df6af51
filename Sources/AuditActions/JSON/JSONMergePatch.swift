/// JSON Merge Patch (RFC 7396): a document that looks like the one it changes.
extension JSONTree {
  /// Changes this value as the patch says: members of objects are merged, `null` removes one, and anything else takes
  /// the value's place.
  package mutating func merge(_ patch: JSONTree) {
    guard case .object(let changes) = patch else {
      self = patch
      return
    }
    var members: [Member?] = []
    if case .object(let own) = self { members = own }
    // Looked up, not looked for: a patch may have as many members as the document. By their bytes, as `isNamed`.
    var places: [[UInt8]: Int] = [:]
    for (place, member) in members.enumerated() {
      if let member { places[Array(member.name.utf8)] = place }
    }
    for change in changes {
      let name = Array(change.name.utf8)
      if change.value.isNull {
        if let place = places.removeValue(forKey: name) { members[place] = nil }
      } else if let place = places[name] {
        members[place]?.value.merge(change.value)
      } else {
        var value = JSONTree.null
        value.merge(change.value)
        places[name] = members.count
        members.append(Member(change.name, value))
      }
    }
    self = .object(members.compactMap { $0 })
  }
}
