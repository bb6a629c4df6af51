import AuditActions

/// Key, header `ttl` and value of a record, held against the contract by the functions ingest judges with, and by
/// plain reading of the contract.
final class RecordTarget: FuzzTarget {
  static let name = "records"
  static let share = 250_000_000

  init(seed: UInt64) {}

  func run(_ random: inout SeededRandom) throws {
    let record = FuzzRecord(&random)
    try Self.compareKey(record.key ?? [])
    try Self.compareTimeToLive(record.timeToLive ?? [])
    try JSONTarget.compare(record.value ?? [])
  }

  static func compareKey(_ key: [UInt8]) throws {
    let address = exactly(key) { try? QueueAddress(key: $0) }
    let isValid = exactly(key) { (try? QueueAddress.validateKey($0)) != nil }
    guard isValid == FuzzRecord.isKey(key), isValid == (address != nil) else {
      throw Finding("the key is judged \(isValid), by the contract it is \(!isValid)", key)
    }
    if let address, Array(address.key.utf8) != key { throw Finding("a key is not what it was read from", key) }
  }

  static func compareTimeToLive(_ text: [UInt8]) throws {
    let seconds = exactly(text) { try? ActionRecord.parseTimeToLive($0) }
    guard seconds == FuzzRecord.seconds(text) else {
      throw Finding("the TTL is read as \(seconds.map { String($0) } ?? "none")", text)
    }
  }
}

/// A record as a producer may send it, and what the contract says of it.
struct FuzzRecord {
  var key: [UInt8]?
  var value: [UInt8]?
  /// The header `ttl`; nil when there is none.
  var timeToLive: [UInt8]?

  private static let keys = [
    "p/q", "demo/orders", "a-b_c.D/0", "./q", "p/..", "/", "p/", "/q", "p/q/r", "p q/r", "é/q",
  ]
  .map { Array($0.utf8) }
  private static let times = ["300", "1", "1209600", "0", "1209601", "0300", "", "-1", "+5", " 5", "5 ", "4294967297"]
    .map { Array($0.utf8) }
  private static let keyMutation = Mutation(["/", ".", "..", "//", "\0", "a"], raw: Samples.brokenText)
  private static let timeMutation = Mutation(["0", "9", "-", "1209600", "00000000"])
  private static let valueMutation = Mutation(Samples.jsonWords, raw: Samples.brokenText)

  init(_ random: inout SeededRandom) {
    func part(_ samples: [[UInt8]], _ mutation: Mutation, valid: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
      switch random.below(4) {
      case 0: valid
      case 1: random.pick(samples)
      default: mutation.apply(to: random.pick(samples), with: random.pick(samples), &random)
      }
    }
    key = random.oneIn(20) ? nil : part(Self.keys, Self.keyMutation, valid: Self.keys[0], &random)
    value = random.oneIn(20) ? nil : part(Samples.bodies, Self.valueMutation, valid: Samples.bodies[0], &random)
    timeToLive = random.oneIn(2) ? nil : part(Self.times, Self.timeMutation, valid: Self.times[0], &random)
    if random.oneIn(500) { key = Array(String(repeating: "p", count: 250 + random.below(12)).utf8) + Array("/q".utf8) }
    if random.oneIn(500) { key = Array(("p/" + String(repeating: "q", count: 60 + random.below(8))).utf8) }
  }

  static func isKey(_ key: [UInt8]) -> Bool {
    let parts = key.split(separator: 0x2F, omittingEmptySubsequences: false)
    guard parts.count == 2, (1...256).contains(parts[0].count), (1...64).contains(parts[1].count) else { return false }
    return parts.allSatisfy { part in
      let text = String(decoding: part, as: UTF8.self)
      return text.wholeMatchesName && text != "." && text != ".."
    }
  }

  static func seconds(_ text: [UInt8]) -> Int32? {
    guard (1...10).contains(text.count), text.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
    let value = text.reduce(Int64(0)) { $0 * 10 + Int64($1 - 0x30) }
    return (1...1_209_600).contains(value) ? Int32(value) : nil
  }

  /// Whether ingest must store it.
  var isAction: Bool {
    guard let key, Self.isKey(key), let value, value.count <= ActionLimits.bodyBytesMax,
      timeToLive == nil || Self.seconds(timeToLive ?? []) != nil
    else { return false }
    return NaiveJSON.parse(value, depthMax: ActionLimits.depthMax)?.event != nil
  }
}

extension String {
  fileprivate var wholeMatchesName: Bool {
    unicodeScalars.allSatisfy {
      ("a"..."z").contains($0) || ("A"..."Z").contains($0) || ("0"..."9").contains($0)
        || "_.-".unicodeScalars.contains($0)
    }
  }
}
