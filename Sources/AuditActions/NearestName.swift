/// Finds the name somebody may have meant.
package enum NearestName {
  /// The candidate with the fewest edits (insert, remove, replace, swap neighbours), if it is near enough to be meant.
  package static func find(_ name: String, in candidates: [String]) -> String? {
    guard name.utf8.count <= 64 else { return nil }
    let best = candidates.map { (name: $0, edits: distance(Array(name.lowercased().utf8), Array($0.utf8))) }
      .min { $0.edits < $1.edits }
    guard let best, best.edits <= max(2, best.name.utf8.count / 3) else { return nil }
    return best.name
  }

  /// Optimal string alignment distance.
  package static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    guard !a.isEmpty, !b.isEmpty else { return max(a.count, b.count) }
    var beforeLast = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    for i in 1...a.count {
      var row = [i] + [Int](repeating: 0, count: b.count)
      for j in 1...b.count {
        row[j] = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
        if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { row[j] = min(row[j], beforeLast[j - 2] + 1) }
      }
      beforeLast = last
      last = row
    }
    return last[b.count]
  }
}
