import AuditActions
import Testing

@Suite("Sets of sequence numbers")
struct SequenceRangesTests {
  @Test(
    "ACE's text is read, and printed as ACE prints it",
    arguments: [
      ("", ""), ("1", "1"), ("1-6,8,10-12", "1-6,8,10-12"), ("1-6,9-12", "1-6,9-12"), ("5-5", "5"),
      ("1-3,4-6", "1-6"), ("1,2,3", "1-3"), ("9223372036854775807", "9223372036854775807"),
      ("1-9223372036854775807", "1-9223372036854775807"), ("7-1000000000007", "7-1000000000007"),
    ])
  func text(_ text: String, printed: String) throws {
    #expect(try SequenceRanges(text).description == printed)
  }

  @Test(
    "what is no such text is refused, and the message says where",
    arguments: [
      ("a", 0), (" 1", 0), ("1 ", 1), ("1,", 2), (",1", 0), ("1,,2", 2), ("1-", 2), ("-1", 0), ("1-2-3", 3),
      ("0", 0), ("0-5", 0), ("1-0", 2), ("01", 0), ("+1", 0), ("5-3", 0), ("1-5,5-9", 4), ("1-5,3", 4), ("8,1-3", 2),
      ("1-5,2-3", 4), ("9223372036854775808", 0), ("1-18446744073709551616", 2),
      ("99999999999999999999999999999999999999", 0), ("1–3", 1), ("1\u{0}", 1), ("٣", 0), ("1;2", 1),
    ])
  func refused(_ text: String, at position: Int) {
    let error = #expect(throws: AuditActionError.self) { try SequenceRanges(text) }
    #expect(error?.code == .invalidRanges)
    #expect(error?.detail.hasPrefix("at byte \(position):") == true, "\(text): \(error?.detail ?? "")")
  }

  @Test("more ranges than allowed are refused, however many numbers those allowed describe")
  func bound() throws {
    let text = (1...10).map { String($0 * 2) }.joined(separator: ",")
    #expect(try SequenceRanges(text, rangesMax: 10).ranges.count == 10)
    #expect(throws: AuditActionError.self) { try SequenceRanges(text, rangesMax: 9) }
    #expect(try SequenceRanges("1-9223372036854775807", rangesMax: 1) == .full)
  }

  @Test("the widest sets cost no more than the narrowest, up to the last number")
  func wide() throws {
    let most = Int64.max
    let holes = try SequenceRanges("2,1000000000000-2000000000000,\(most)")
    let rest = SequenceRanges.full.subtracting(holes)
    #expect(rest.description == "1,3-999999999999,2000000000001-\(most - 1)")
    #expect(rest.union(holes) == .full)
    #expect(rest.intersection(holes).isEmpty)
    #expect(SequenceRanges.full.subtracting(.full).isEmpty)
    #expect(SequenceRanges.full.count == most)
    #expect(try SequenceRanges("5-10000000").subtracting(SequenceRanges("1-9999999")).description == "10000000")
    var grown = SequenceRanges(1...1)
    grown.insert(1 << 40)
    #expect(grown.missing.description == "2-\((1 << 40) - 1)" && grown.ranges.count == 2)
    grown.insert(most)
    grown.insert(most)
    #expect(grown.highest == most)
    grown.insert(1...most)
    #expect(grown == .full)
  }

  @Test("numbers below 1 are left out")
  func belowOne() {
    #expect(SequenceRanges(-5...0).isEmpty)
    #expect(SequenceRanges(Int64.min...3).description == "1-3")
    #expect(!SequenceRanges.full.contains(0) && !SequenceRanges.full.contains(.min))
  }

  @Test("every operation agrees with a plain set of numbers, whatever is done in whatever order")
  func model() throws {
    let seed = UInt64.random(in: 0...UInt64(UInt32.max))
    var random = SeededRandom(seed: seed)
    for _ in 0..<500 {
      let (left, leftModel) = draw(&random)
      let (right, rightModel) = draw(&random)
      try agree(left, leftModel, seed)
      try agree(left.union(right), leftModel.union(rightModel), seed)
      try agree(left.intersection(right), leftModel.intersection(rightModel), seed)
      try agree(left.subtracting(right), leftModel.subtracting(rightModel), seed)
      let missing = leftModel.max().map { Set(1...$0).subtracting(leftModel) } ?? []
      try agree(left.missing, missing, seed)
      #expect(left.isSuperset(of: right) == leftModel.isSuperset(of: rightModel), "seed \(seed)")
    }
  }

  private func draw(_ random: inout SeededRandom) -> (SequenceRanges, Set<Int64>) {
    var ranges = SequenceRanges()
    var model: Set<Int64> = []
    for _ in 0..<Int.random(in: 0...12, using: &random) {
      let first = Int64.random(in: 1...60, using: &random)
      if Bool.random(using: &random) {
        ranges.insert(first)
        model.insert(first)
      } else {
        let last = Int64.random(in: first...70, using: &random)
        ranges.insert(first...last)
        model.formUnion(first...last)
      }
    }
    return (ranges, model)
  }

  private func agree(_ ranges: SequenceRanges, _ model: Set<Int64>, _ seed: UInt64) throws {
    var last: Int64 = -1
    for range in ranges.ranges {
      // Apart by one number at least, so that equal sets are equal values.
      try #require(range.lowerBound > last + 1, "seed \(seed)")
      last = range.upperBound
    }
    try #require(ranges.ranges.flatMap { $0 } == model.sorted(), "seed \(seed)")
    try #require(ranges.count == Int64(model.count) && ranges.highest == model.max(), "seed \(seed)")
    for number in Int64(0)...72 { try #require(ranges.contains(number) == model.contains(number), "seed \(seed)") }
    try #require(try SequenceRanges(ranges.description) == ranges, "seed \(seed)")
  }
}
