/// Whole numbers written in ASCII digits, read without trapping on any input.
enum DecimalText {
  /// `-?[0-9]+` as a 64-bit integer; nil for anything else, or when it does not fit.
  static func integer(_ bytes: UnsafeRawBufferPointer) -> Int64? {
    guard let first = bytes.first else { return nil }
    let isNegative = first == 0x2D
    guard let magnitude = digits(bytes, from: isNegative ? 1 : 0) else { return nil }
    return isNegative
      ? Int64(exactly: magnitude).map { -$0 } ?? (magnitude == Int64.min.magnitude ? .min : nil)
      : Int64(exactly: magnitude)
  }

  /// `[0-9]+` from `start` on, to the end.
  static func digits(_ bytes: UnsafeRawBufferPointer, from start: Int = 0) -> UInt64? {
    guard start < bytes.count else { return nil }
    var value: UInt64 = 0
    for index in start..<bytes.count {
      let digit = bytes[index] &- 0x30
      guard digit < 10 else { return nil }
      let (tens, tensOverflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, sumOverflow) = tens.addingReportingOverflow(UInt64(digit))
      guard !tensOverflow, !sumOverflow else { return nil }
      value = sum
    }
    return value
  }
}
