import AuditActions
import Foundation
import Testing

@testable import ActionStore

@Suite("What proves numbered actions, in the store")
struct SealRecordTests {
  private static let key = SourceLogKey(project: "p", source: "/w", log: "1")

  private static var seed: UInt64 {
    ProcessInfo.processInfo.environment["TEST_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0...UInt64(UInt32.max))
  }

  /// Of any texts that a seal may have: none, empty ones, and as long as can be.
  private static func seal(_ random: inout SeededGenerator) -> ActionSeal {
    while true {
      let seal = ActionSeal { part in
        switch Int.random(in: 0...4, using: &random) {
        case 0: nil
        case 1: ""
        case 2: String(repeating: "é", count: part.bytesMax / 2)
        default:
          String(
            (0..<Int.random(in: 1...16, using: &random)).map { _ in "aZ0\0\"\n ".randomElement(using: &random) ?? "a" })
        }
      }
      if let seal { return seal }
    }
  }

  // MARK: The record

  @Test("a record of proofs gives each action its own, byte for byte, and the others none")
  func roundTrip() throws {
    let seed = Self.seed
    var random = SeededGenerator(seed: seed)
    for _ in 0..<200 {
      var start: UInt32 = 0
      let entries = (0..<Int.random(in: 1...40, using: &random)).map { _ in
        start += UInt32.random(in: 1...1_000, using: &random)
        return SealRecord.Entry(start: start, seal: Self.seal(&random))
      }
      try SealRecord.encode(entries).withUnsafeBytes { bytes in
        let block = try #require(SealBlock(bytes), "TEST_SEED=\(seed)")
        #expect(block.count == entries.count)
        for entry in entries {
          #expect(block[entry.start] == entry.seal, "TEST_SEED=\(seed)")
          #expect(entries.contains { $0.start == entry.start + 1 } || block[entry.start + 1] == nil)
        }
        #expect(block[0] == nil && block[.max] == nil)
      }
    }
  }

  @Test("what was changed or cut is no record of proofs, or one whose proofs lie within; nothing is read beyond")
  func damaged() throws {
    let seed = Self.seed
    var random = SeededGenerator(seed: seed)
    let entries = (1...5).map { SealRecord.Entry(start: UInt32($0 * 100), seal: Self.seal(&random)) }
    let whole = SealRecord.encode(entries)
    for count in 0..<whole.count {
      // In memory of its own, of that length, so that a sanitizer sees a byte too many.
      Array(whole.prefix(count)).withUnsafeBytes { #expect(SealBlock($0) == nil, "cut to \(count)") }
    }
    (whole + [0]).withUnsafeBytes { #expect(SealBlock($0) == nil) }
    for place in 0..<min(whole.count, 4_000) {
      for value in [0, 0x7F, 0xFF, UInt8.random(in: 0...255, using: &random)] as [UInt8] {
        var bytes = whole
        bytes[place] = value
        bytes.withUnsafeBytes { bytes in
          guard let block = SealBlock(bytes) else { return }
          for start in UInt32(0)...600 { _ = block[start] }
        }
      }
    }
    for (at, value) in [(0, UInt32.max), (0, 0), (0, 4), (8, 0), (8, .max), (4, 100_000)] as [(Int, UInt32)] {
      var bytes = whole
      bytes.withUnsafeMutableBytes { $0.store(value, at: at) }
      bytes.withUnsafeBytes { #expect(SealBlock($0) == nil, "\(value) at \(at), TEST_SEED=\(seed)") }
    }
  }

  @Test("a proof has a checksum or a signature, and texts that are not too long; texts are compared as bytes")
  func limits() {
    #expect(ActionSeal { $0 == .id ? "1" : nil } == nil)
    for part in ActionSeal.Part.allCases {
      func seal(_ count: Int) -> ActionSeal? {
        ActionSeal { $0 == part ? String(repeating: "a", count: count) : $0 == .checksum ? "00000000" : nil }
      }
      #expect(seal(part.bytesMax) != nil && seal(part.bytesMax + 1) == nil)
    }
    func seal(_ id: String?) -> ActionSeal? { ActionSeal { $0 == .id ? id : $0 == .checksum ? "00000000" : nil } }
    #expect(seal("caf\u{E9}") != seal("cafe\u{301}") && seal("") != seal(nil) && seal("a") == seal("a"))
  }

  // MARK: The store

  private struct Item {
    var number: Int64
    var offset: Int64
    var timeToLive: Int32 = 300
    var seal: ActionSeal?
  }

  /// Stores a batch as ingest would.
  private func append(_ items: [Item], to store: ActionStore) throws {
    var intake = store.beginIntake()
    for item in items {
      let verdict = intake.judge(
        try ActionOrigin(source: "/w", log: "1", sequence: item.number), project: "p",
        contents: Array("\(item.number)".utf8).withUnsafeBytes { RecordContents(key: $0, value: $0) }, partition: 0,
        offset: item.offset, seal: item.seal)
      #expect(verdict == .new)
    }
    _ = try store.append { batch in
      var marks = intake.marks
      for item in items {
        Draft(offset: item.offset, timeToLive: item.timeToLive).add(to: batch)
        if let mark = marks.take(partition: 0, offset: item.offset) {
          batch.number(mark, keyBytes: 3, timeToLiveSeconds: item.timeToLive)
        }
      }
      batch.receive(intake)
    }
  }

  private func seals(_ store: ActionStore, limit: Int = 7) throws -> [Int64: ActionSeal?] {
    var seals: [Int64: ActionSeal?] = [:]
    var after: Int64 = 0
    while true {
      let page = try store.numberedActions(Self.key, in: .full, after: after, limit: limit)
      for action in page.actions { seals[action.sequence] = .some(action.seal) }
      if page.isLast { return seals }
      after = page.reached
    }
  }

  @Test("each action gives its proof, in every lane, over kills, sealed segments and lost index files")
  func kept() throws {
    let seed = Self.seed
    var random = SeededGenerator(seed: seed)
    let fixture = try StoreFixture(segmentBytesMax: 4_000)
    var store = try fixture.open()
    var expected: [Int64: ActionSeal?] = [:]
    var number: Int64 = 0
    for round in 0..<60 {
      let items = (0..<Int.random(in: 1...10, using: &random)).map { _ in
        number += 1
        return Item(
          number: number, offset: number, timeToLive: [3_600, 7_200, 86_400].randomElement(using: &random) ?? 3_600,
          seal: Bool.random(using: &random) ? Self.seal(&random) : nil)
      }
      for item in items { expected[item.number] = .some(item.seal) }
      try append(items, to: store)
      switch Int.random(in: 0...7, using: &random) {
      case 0: try store.maintain()
      case 1:
        store.abandon()
        store = try fixture.open()
      case 2:
        try store.close()
        store = try fixture.open()
      case 3:
        try store.close()
        for path in try fixture.directory.files(withSuffix: ".index") {
          try FileManager.default.removeItem(atPath: path)
        }
        store = try fixture.open()
      default: break
      }
      try #require(
        try seals(store, limit: Int.random(in: 1...50, using: &random)) == expected,
        "TEST_SEED=\(seed), round \(round)")
    }
    store.verify { _ in true }
    #expect(!store.isDamaged && store.balance().unbalancedQueues == 0)
    // A proof counts for the bound of a page.
    let long = try #require(ActionSeal { String(repeating: "a", count: $0.bytesMax) })
    try append((1...9).map { Item(number: number + $0, offset: number + $0, seal: long) }, to: store)
    let page = try store.numberedActions(Self.key, in: .full, after: number, limit: 9, bytesMax: 2_000)
    #expect((1...3).contains(page.actions.count) && !page.isLast)
  }

  /// How many records of each kind lie in a segment.
  private func kinds(in file: String) throws -> [FrameRecord.Kind: Int] {
    var kinds: [FrameRecord.Kind: Int] = [:]
    try forEachFrame(Array(try Data(contentsOf: URL(fileURLWithPath: file)))) { bytes, frame in
      _ = FrameRecord.forEach(in: bytes, frameAt: frame.position, header: frame.header) { record, _, _, _ in
        kinds[record.kind, default: 0] += 1
      }
    }
    return kinds
  }

  private func forEachFrame(
    _ bytes: [UInt8], _ visit: (UnsafeRawBufferPointer, SegmentScan.FramePlace) throws -> Void
  ) throws {
    try bytes.withUnsafeBytes { bytes in
      let scan = SegmentScan.scan(
        number: 0, header: try SegmentHeader.decode(bytes), bytes: bytes, durableBatch: 0)
      for frame in scan.frames { try visit(bytes, frame) }
    }
  }

  @Test("a batch in which nothing is proved has no record of proofs; one in which something is has one")
  func onlyWhereWanted() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    try append((1...5).map { Item(number: $0, offset: $0) }, to: store)
    let file = try #require(try fixture.directory.files(withSuffix: ".segment").first)
    #expect(try kinds(in: file) == [.action: 5, .numbers: 1, .source: 1])
    var random = SeededGenerator(seed: 1)
    try append(
      (6...9).map { Item(number: $0, offset: $0, seal: $0 % 2 == 0 ? Self.seal(&random) : nil) }, to: store)
    #expect(try kinds(in: file) == [.action: 9, .numbers: 2, .source: 2, .seals: 1])
  }

  @Test("a proof that no store wrote is damage, though its checksum is right: found before it is given, and read again")
  func forged() throws {
    var random = SeededGenerator(seed: 2)
    for (isOpen, verifies) in [(true, false), (false, false), (false, true)] {
      let fixture = try StoreFixture(segmentBytesMax: 2_000)
      var store = try fixture.open()
      var expected: [Int64: ActionSeal?] = [:]
      for number in Int64(1)...12 {
        let item = Item(number: number, offset: number - 1, seal: Self.seal(&random))
        expected[number] = .some(item.seal)
        try append([item], to: store)
      }
      if isOpen { store.abandon() } else { try store.close() }
      let files = try fixture.directory.files(withSuffix: ".segment")
      let path = try #require(isOpen ? files.last : files.first)
      var content = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
      var place: (frame: Int, end: Int, body: Int)?
      try forEachFrame(content) { bytes, frame in
        _ = FrameRecord.forEach(in: bytes, frameAt: frame.position, header: frame.header) { record, _, body, _ in
          if record.kind == .seals { place = (frame.position, frame.end, body) }
        }
      }
      let (frame, end, body) = try #require(place)
      content.withUnsafeMutableBytes { bytes in
        bytes.store(UInt32(7_000_000), at: body)
        let checked = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[(frame + 12)..<end])
        bytes.store(CRC32C.checksum(checked), at: frame + 8)
      }
      try Data(content).write(to: URL(fileURLWithPath: path))
      store = try fixture.open()
      if verifies { store.verify { _ in true } }
      if isOpen {
        // A start reads what was written to; a frame after the last checkpoint is cut off as torn.
        #expect(try seals(store).count < 12)
      } else {
        #expect(throws: StoreError.self) { try seals(store) }
        #expect(store.isDamaged)
        try store.repair()
      }
      let next = try #require(store.nextOffset(of: 0))
      #expect(next < 12)
      for number in (next + 1)...12 {
        try append([Item(number: number, offset: number - 1, seal: expected[number] ?? nil)], to: store)
      }
      #expect(try seals(store) == expected)
      try store.close()
    }
  }

  @Test("what version 4 of the directory stored opens and has no proofs; what comes from here on has")
  func versionBefore() throws {
    let fixture = try StoreFixture()
    var store = try fixture.open()
    try append((1...5).map { Item(number: $0, offset: $0) }, to: store)
    try store.close()
    let file = URL(fileURLWithPath: fixture.directory.path + "/VERSION")
    try Data("4\n".utf8).write(to: file)
    store = try fixture.open()
    var random = SeededGenerator(seed: 3)
    let seal = Self.seal(&random)
    try append([Item(number: 6, offset: 6, seal: seal)], to: store)
    let expected: [Int64: ActionSeal?] = [1: nil, 2: nil, 3: nil, 4: nil, 5: nil, 6: seal]
    #expect(try seals(store) == expected)
    #expect(try String(contentsOf: file, encoding: .utf8) == "5\n", "an older Strandline must not go on with it")
  }
}
