/// Finds the known name that a mistyped one most likely stood for.
package enum Spelling {
  /// The name with the fewest edits from `text`, the first of equals; nil when even that is no likely slip of the pen:
  /// with more than one edit in three characters a guess only misleads.
  package static func nearest(to text: String, in names: some Sequence<String>) -> String? {
    let wanted = normalised(text)
    let best = names.map { (name: $0, edits: distance(wanted, normalised($0))) }.min { $0.edits < $1.edits }
    guard let best, best.edits <= wanted.count / 3 else { return nil }
    return best.name
  }

  /// Case and the choice between `-`, `_` and `.` are not what people get wrong first.
  private static func normalised(_ text: String) -> [UInt8] {
    // A name is short; what is longer than this is no slip of the pen, and its tail would only cost time.
    text.lowercased().utf8.prefix(64).map {
      $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") ? UInt8(ascii: "-") : $0
    }
  }

  /// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
  package static func distance(_ first: [UInt8], _ second: [UInt8]) -> Int {
    var beforePrevious: [Int] = []
    var previous = Array(0...second.count)
    for row in first.indices {
      var current = [row + 1]
      for column in second.indices {
        let same = first[row] == second[column]
        var least = min(previous[column] + (same ? 0 : 1), previous[column + 1] + 1, current[column] + 1)
        if row > 0, column > 0, first[row] == second[column - 1], first[row - 1] == second[column] {
          least = min(least, beforePrevious[column - 1] + 1)
        }
        current.append(least)
      }
      beforePrevious = previous
      previous = current
    }
    return previous.last ?? 0
  }
}
