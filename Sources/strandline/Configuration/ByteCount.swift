/// Counts of bytes as people write them.
enum ByteCount {
  private static let units: [(name: String, factor: Int)] = [
    ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1), ("", 1),
  ]

  /// `8589934592`, `8GiB`, `8 GiB`; nil when it is nothing of the kind or does not fit an `Int`.
  static func parse(_ text: String) -> Int? {
    for unit in units where text.lowercased().hasSuffix(unit.name.lowercased()) {
      let digits = text.dropLast(unit.name.count).trimmingSpaces()
      guard let count = Int(digits), count >= 0 else { continue }
      let (value, overflow) = count.multipliedReportingOverflow(by: unit.factor)
      return overflow ? nil : value
    }
    return nil
  }

  /// The largest unit that leaves at least 1, with one decimal where it is not whole.
  static func describe(_ count: Int) -> String {
    for unit in units where !unit.name.isEmpty && count >= unit.factor {
      if count % unit.factor == 0 { return "\(count / unit.factor) \(unit.name)" }
      let tenths = count / (unit.factor / 10)
      return "\(tenths / 10).\(tenths % 10) \(unit.name)"
    }
    return "\(count) B"
  }
}
