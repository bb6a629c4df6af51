/// A set of groups by their numbers, for the writer: what each record asks of it costs no hash.
struct GroupSet {
  /// In no order, each once.
  private(set) var members: [UInt32] = []
  private var isMember: [Bool] = []

  init(_ groups: some Sequence<UInt32> = []) { for group in groups { insert(group) } }

  var isEmpty: Bool { members.isEmpty }

  @inline(__always)
  func contains(_ group: UInt32) -> Bool {
    let index = Int(group)
    return index < isMember.count && isMember[index]
  }

  /// False when it was there before.
  @inline(__always)
  @discardableResult
  mutating func insert(_ group: UInt32) -> Bool {
    let index = Int(group)
    if index >= isMember.count {
      isMember.append(contentsOf: repeatElement(false, count: max(index + 1, isMember.count * 2) - isMember.count))
    }
    guard !isMember[index] else { return false }
    isMember[index] = true
    members.append(group)
    return true
  }

  /// Costs what there are members.
  mutating func removeAll() {
    for group in members { isMember[Int(group)] = false }
    members.removeAll(keepingCapacity: true)
  }
}
