/// Apache ACE's text of a set: `1-6,8,10-12`. Ranges ascend; one number stands alone; the empty set is the empty text.
extension SequenceRanges: CustomStringConvertible {
  /// As ACE prints it: ascending, apart from each other, `8` and not `8-8`.
  public var description: String {
    var text = ""
    for range in ranges {
      if !text.isEmpty { text += "," }
      text += String(range.lowerBound)
      if range.upperBound > range.lowerBound { text += "-\(range.upperBound)" }
    }
    return text
  }

  /// Reads ACE's text. Ranges that touch (`1-3,4`) become one.
  ///
  /// - Parameter rangesMax: most ranges the text may have.
  /// - Throws: `invalid_ranges`, naming the byte at fault: no decimal number, a zero, a number that 64-bit integers do
  ///   not hold, a leading zero, a range that ends before it begins, ranges that overlap or do not ascend, or too many.
  public init(_ text: String, rangesMax: Int = SequenceRanges.rangesMax) throws(AuditActionError) {
    let bytes = Array(text.utf8)
    self = try bytes.withUnsafeBufferPointer { (bytes) throws(AuditActionError) in
      try SequenceRanges(parsing: UnsafeRawBufferPointer(bytes), rangesMax: rangesMax)
    }
  }

  /// The same for UTF-8.
  public init(
    parsing text: UnsafeRawBufferPointer, rangesMax: Int = SequenceRanges.rangesMax
  ) throws(AuditActionError) {
    self.init()
    guard !text.isEmpty else { return }
    var reader = SequenceTextReader(text: text)
    while true {
      let start = reader.position
      let first = try reader.number()
      var last = first
      if reader.take(0x2D) { last = try reader.number() }
      guard first <= last else { throw .ranges("the range ends before it begins", at: start) }
      if let end = ranges.last?.upperBound {
        guard first > end else {
          throw .ranges("ranges ascend and do not overlap; this one begins at or below the end of the last", at: start)
        }
      }
      if let index = ranges.indices.last, first - ranges[index].upperBound == 1 {
        ranges[index] = ranges[index].lowerBound...last
      } else {
        guard ranges.count < rangesMax else { throw .ranges("there are more than \(rangesMax) ranges", at: start) }
        ranges.append(first...last)
      }
      if reader.isAtEnd { return }
      guard reader.take(0x2C) else { throw .ranges("a comma or the end is expected", at: reader.position) }
    }
  }
}

/// Reads numbers and signs from left to right.
private struct SequenceTextReader {
  let text: UnsafeRawBufferPointer
  var position = 0

  var isAtEnd: Bool { position >= text.count }

  mutating func take(_ byte: UInt8) -> Bool {
    guard !isAtEnd, text[position] == byte else { return false }
    position += 1
    return true
  }

  mutating func number() throws(AuditActionError) -> Int64 {
    let start = position
    while !isAtEnd, text[position] &- 0x30 < 10 { position += 1 }
    guard position > start else { throw .ranges("a decimal number is expected", at: start) }
    guard text[start] != 0x30 else { throw .ranges("numbers begin at 1 and have no leading zero", at: start) }
    let digits = UnsafeRawBufferPointer(rebasing: text[start..<position])
    guard let number = DecimalText.digits(digits).flatMap({ Int64(exactly: $0) }) else {
      throw .ranges("the number is above 9223372036854775807", at: start)
    }
    return number
  }
}

extension AuditActionError {
  fileprivate static func ranges(_ detail: String, at position: Int) -> AuditActionError {
    AuditActionError(
      .invalidRanges, "at byte \(position): \(detail); ranges are written as in 1-6,8,10-12", parameter: "range")
  }
}
