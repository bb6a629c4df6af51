import AuditActions

/// Texts of sequence ranges: what is read prints and reads as the same set, and the algebra of any two holds.
final class RangesTarget: FuzzTarget {
  static let name = "ranges"
  static let share = 20_000_000

  private var texts: [[UInt8]] = [Array("1-6,8,10-12".utf8), []]
  private let mutation = Mutation(
    [
      "-", ",", "0", "9", ",,", "1-", "-1", "9223372036854775807", "9223372036854775808", "1000000000000", " ", "\0",
      "1-9223372036854775807",
    ], raw: Samples.brokenText)

  init(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    for _ in 0..<32 {
      var set = SequenceRanges()
      for _ in 0..<random.below(20) {
        let first = Int64(1 + random.below(random.oneIn(3) ? 1 << 62 : 500))
        let (last, overflows) = first.addingReportingOverflow(Int64(random.below(random.oneIn(3) ? 1 << 62 : 30)))
        set.insert(first...(overflows ? .max : last))
      }
      texts.append(Array(set.description.utf8))
    }
  }

  func run(_ random: inout SeededRandom) throws {
    let text = mutation.apply(to: random.pick(texts), with: random.pick(texts), &random)
    guard let set = try read(text), let other = try read(random.pick(texts)) else { return }
    let (union, both) = (set.union(other), set.intersection(other))
    guard union == other.union(set), both == other.intersection(set), union.isSuperset(of: both),
      set.subtracting(other).union(both) == set, set.subtracting(other).intersection(other).isEmpty,
      union.subtracting(other).union(other) == union, set.missing.intersection(set).isEmpty
    else { throw Finding("the algebra does not hold beside \(other)", text) }
  }

  private func read(_ text: [UInt8]) throws -> SequenceRanges? {
    let set: SequenceRanges
    do throws(AuditActionError) {
      set = try text.withUnsafeBytesTyped { (bytes) throws(AuditActionError) in try SequenceRanges(parsing: bytes) }
    } catch {
      guard error.code == .invalidRanges else { throw Finding("\(error)", text) }
      return nil
    }
    guard set.ranges.count <= SequenceRanges.rangesMax else { throw Finding("too many ranges", text) }
    for (left, right) in zip(set.ranges, set.ranges.dropFirst()) where right.lowerBound - left.upperBound < 2 {
      throw Finding("ranges touch or do not ascend", text)
    }
    let again = try? SequenceRanges(set.description)
    guard again == set else { throw Finding("prints as \(set), which does not read as the same", text) }
    return set
  }
}

extension [UInt8] {
  fileprivate func withUnsafeBytesTyped<Value, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    try withUnsafeBufferPointer { (bytes) throws(Failure) in try body(UnsafeRawBufferPointer(bytes)) }
  }
}
