import AuditActions
import Testing

@testable import ActionStore

@Suite("Markers and ids")
struct TokenTests {
  let sealer = TokenSealer(key: Array(0..<32))
  let queue: QueueAddress
  let marker = Marker(
    entries: [.init(partition: 7, offset: 123_456_789_012, ordinal: 42), .init(partition: 0, offset: 5, ordinal: 1)],
    identity: StoreIdentity(high: 1, low: 2))

  init() throws { queue = try .test("p/q") }

  @Test("come back as they were sealed, and are URL-safe")
  func roundTrip() throws {
    let text = sealer.seal(marker, queue: queue)
    #expect(try sealer.openMarker(text, queue: queue) == marker)
    #expect(text.utf8.allSatisfy { $0.isURLSafe })
    let id = sealer.seal(id: ActionPosition(partition: 3, offset: .max), queue: queue)
    #expect(try sealer.openID(id, queue: queue) == ActionPosition(partition: 3, offset: .max))
    #expect(id.utf8.count == 22 && id.utf8.allSatisfy { $0.isURLSafe })
  }

  @Test("with many partitions come back too", arguments: [2, 4, 5, 6, 400, 1_000])
  func manyPartitions(count: Int) throws {
    let marker = Marker(
      entries: (0..<count).map {
        .init(partition: Int32($0 * $0), offset: (1 << 48) - Int64($0), ordinal: (1 << 48) - UInt64($0))
      },
      identity: StoreIdentity(high: 1, low: 2))
    let text = sealer.seal(marker, queue: queue)
    #expect(text.utf8.count <= TokenSealer.textBytesMax)
    #expect(text.utf8.count == TokenSealer.textBytes(of: marker))
    #expect(try sealer.openMarker(text, queue: queue) == marker)
  }

  @Test("that have come past a hole in each of 2,500 partitions fit into a request")
  func manyHoles() throws {
    let marker = Marker(
      entries: (0..<2_500).map { .init(partition: $0, offset: 200_000_000, ordinal: Marker.Entry.uncounted) },
      identity: StoreIdentity(high: 1, low: 2))
    let text = sealer.seal(marker, queue: queue)
    #expect(text.utf8.count <= TokenSealer.textBytesMax)
    #expect(try sealer.openMarker(text, queue: queue) == marker)
  }

  @Test("hold the ends of every number's range")
  func extremes() throws {
    let marker = Marker(
      entries: [
        .init(partition: 0, offset: 0, ordinal: 0), .init(partition: 1, offset: 127, ordinal: 127),
        .init(partition: 2, offset: 128, ordinal: .max - 1), .init(partition: 300, offset: .max, ordinal: .max),
        .init(partition: .max - 1, offset: -1, ordinal: 1), .init(partition: .max, offset: 16_384, ordinal: 16_383),
      ], identity: StoreIdentity(high: .max, low: 0))
    #expect(try sealer.openMarker(sealer.seal(marker, queue: queue), queue: queue) == marker)
  }

  @Test("in compact form that nobody wrote are refused, not trapped on")
  func compactGarbage() {
    func read(_ bytes: [UInt8]) -> [Marker.Entry]? { bytes.withUnsafeBytes { CompactEntries.read($0) } }
    #expect(read([]) == [])
    #expect(read([0, 5, 0]) == [.init(partition: 0, offset: 5, ordinal: .max)])
    let partitionTooHigh: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0, 0]
    let numberTooLong = [UInt8](repeating: 0x80, count: 10) + [0]
    let numberTooHigh = [0] + [UInt8](repeating: 0xFF, count: 9) + [0x02, 0]
    let partitionsBeyond: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0, 0, 0, 0, 0]
    for bytes in [
      [0], [0, 1], [0x80], [0, 0, 0x80], partitionTooHigh, numberTooLong, numberTooHigh, partitionsBeyond,
    ] {
      #expect(read(bytes) == nil, "\(bytes)")
    }
  }

  @Test("are the same text for the same place")
  func deterministic() {
    #expect(sealer.seal(marker, queue: queue) == sealer.seal(marker, queue: queue))
  }

  @Test("changed in any character are refused")
  func changed() throws {
    let text = Array(sealer.seal(marker, queue: queue).utf8)
    let id = Array(sealer.seal(id: ActionPosition(partition: 0, offset: 9), queue: queue).utf8)
    for index in text.indices {
      var other = text
      other[index] = other[index] == 0x41 ? 0x42 : 0x41
      let damaged = String(decoding: other, as: UTF8.self)
      #expect { try sealer.openMarker(damaged, queue: queue) } throws: { ($0 as? StoreError)?.code == .invalidMarker }
    }
    for index in id.indices {
      var other = id
      other[index] = other[index] == 0x41 ? 0x42 : 0x41
      let damaged = String(decoding: other, as: UTF8.self)
      #expect { try sealer.openID(damaged, queue: queue) } throws: { ($0 as? StoreError)?.code == .invalidID }
    }
  }

  @Test("cut, lengthened, padded, empty or of other text are refused")
  func malformed() throws {
    let text = sealer.seal(marker, queue: queue)
    var bad = ["", "A", "=", "ä", text + "A", text + "=", text + "AAAA", String(repeating: "A", count: 10_240)]
    bad += (0..<text.utf8.count).map { String(text.prefix($0)) }
    for text in bad {
      #expect { try sealer.openMarker(text, queue: queue) } throws: { ($0 as? StoreError)?.code == .invalidMarker }
      #expect { try sealer.openID(text, queue: queue) } throws: { ($0 as? StoreError)?.code == .invalidID }
    }
  }

  @Test("of another queue, project or feed are refused")
  func foreign() throws {
    let text = sealer.seal(marker, queue: queue)
    let id = sealer.seal(id: ActionPosition(partition: 0, offset: 9), queue: queue)
    for other in [try QueueAddress.test("p/r"), try .test("q/q"), try .test("p/qq")] {
      #expect { try sealer.openMarker(text, queue: other) } throws: { ($0 as? StoreError)?.code == .invalidMarker }
      #expect { try sealer.openID(id, queue: other) } throws: { ($0 as? StoreError)?.code == .invalidID }
    }
    let elsewhere = TokenSealer(key: Array(1..<33))
    #expect { try elsewhere.openMarker(text, queue: queue) } throws: { ($0 as? StoreError)?.code == .invalidMarker }
    #expect { try elsewhere.openID(id, queue: queue) } throws: { ($0 as? StoreError)?.code == .invalidID }
  }
}

extension UInt8 {
  fileprivate var isURLSafe: Bool {
    switch self {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
    default: false
    }
  }
}
