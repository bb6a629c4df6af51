/// JSON Merge Patch (RFC 7396): a document that looks like the one it changes.
extension JSONTree {
  /// Changes this value as the patch says: members of objects are merged, `null` removes one, and anything else takes
  /// the value's place.
  package mutating func merge(_ patch: JSONTree) {
    guard case .object(let changes) = patch else {
      self = patch
      return
    }
    var members: [Member] = if case .object(let own) = self { own } else { [] }
    for change in changes {
      let place = members.firstIndex { $0.isNamed(change.name) }
      if change.value.isNull {
        if let place { members.remove(at: place) }
      } else if let place {
        members[place].value.merge(change.value)
      } else {
        var value = JSONTree.null
        value.merge(change.value)
        members.append(Member(change.name, value))
      }
    }
    self = .object(members)
  }
}
