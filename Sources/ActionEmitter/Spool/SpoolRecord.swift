import ActionProof
import Kafka

/// What a record of a spool holds. All integers are little-endian; the first byte is the kind.
///
/// | kind | then |
/// | --- | --- |
/// | 1: an action | sequence number (8), bytes of the key (2), bytes of the value (4), number of headers (2), the key, the value; for each header the bytes of its name (2) and of its value (4, all ones for null), the name, the value |
/// | 2: where the log's numbers stand, at the beginning of a file | number of projects (2); for each its next number (8), the bytes of its name (2), its name |
/// | 3: the end of a file that is full | |
///
/// Numbers are counted for each project, because a feed's completeness is: in a log of its own no project sees gaps
/// that are another's.
enum SpoolRecord: Equatable {
  case action(Action)
  case numbers([(project: [UInt8], next: Int64)])
  case end

  struct Action: Equatable {
    var sequence: Int64
    var key: Range<Int>
    var value: Range<Int>
    var headers: [KafkaHeader]
  }

  static let actionFixedBytes = 17
  static let headerFixedBytes = 6
  static let endPayloadBytes = 1
  /// Bytes kept free in every file, so that its end can be written.
  static let endBytes = SpoolFormat.recordBytes(payload: endPayloadBytes)

  static func == (left: SpoolRecord, right: SpoolRecord) -> Bool {
    switch (left, right) {
    case (.action(let left), .action(let right)): left == right
    case (.numbers(let left), .numbers(let right)):
      left.elementsEqual(right) { $0.project == $1.project && $0.next == $1.next }
    case (.end, .end): true
    default: false
    }
  }

  // MARK: Writing

  static func payloadBytes(of record: EmitRecord) -> Int {
    actionFixedBytes + record.key.count + record.value.count + record.headers.count * headerFixedBytes
      + record.headers.contentBytes
  }

  /// What a seal adds to it.
  static func payloadBytes(of seal: RecordSeal) -> Int {
    seal.headers.count * headerFixedBytes + seal.headers.bytes
  }

  static func write(_ record: EmitRecord, sequence: Int64, to payload: UnsafeMutableRawBufferPointer) {
    var writer = PayloadWriter(bytes: payload)
    writer.put(UInt8(1))
    writer.put(sequence)
    writer.put(UInt16(truncatingIfNeeded: record.key.count))
    writer.put(UInt32(truncatingIfNeeded: record.value.count))
    writer.put(UInt16(truncatingIfNeeded: record.headers.count))
    writer.put(record.key)
    writer.put(record.value)
    record.headers.forEach { name, value in
      writer.put(UInt16(truncatingIfNeeded: name.count))
      writer.put(UInt32(truncatingIfNeeded: value.count))
      writer.put(name)
      writer.put(value)
    }
  }

  static func write(_ numbers: [(name: [UInt8], next: Int64)], to payload: UnsafeMutableRawBufferPointer) {
    var writer = PayloadWriter(bytes: payload)
    writer.put(UInt8(2))
    writer.put(UInt16(truncatingIfNeeded: numbers.count))
    for (project, next) in numbers {
      writer.put(next)
      writer.put(UInt16(truncatingIfNeeded: project.count))
      writer.put(project)
    }
  }

  // MARK: Reading

  /// Nil for what no spool writes; ranges count from the beginning of `payload`.
  init?(_ payload: UnsafeRawBufferPointer) {
    var reader = PayloadReader(bytes: payload)
    switch reader.get(UInt8.self) {
    case 1:
      guard let sequence = reader.get(Int64.self), sequence > 0, let keyBytes = reader.get(UInt16.self),
        let valueBytes = reader.get(UInt32.self), let headerCount = reader.get(UInt16.self),
        let key = reader.take(Int(keyBytes)), let value = reader.take(Int(valueBytes))
      else { return nil }
      var headers: [KafkaHeader] = []
      for _ in 0..<headerCount {
        guard let nameBytes = reader.get(UInt16.self), let bytes = reader.get(UInt32.self),
          let name = reader.take(Int(nameBytes)), let content = reader.take(bytes == .max ? 0 : Int(bytes))
        else { return nil }
        headers.append(
          KafkaHeader(
            key: String(decoding: payload[name], as: UTF8.self), value: bytes == .max ? nil : Array(payload[content])))
      }
      self = .action(Action(sequence: sequence, key: key, value: value, headers: headers))
    case 2:
      guard let count = reader.get(UInt16.self) else { return nil }
      var numbers: [(project: [UInt8], next: Int64)] = []
      for _ in 0..<count {
        guard let next = reader.get(Int64.self), next > 0, let nameBytes = reader.get(UInt16.self),
          let name = reader.take(Int(nameBytes))
        else { return nil }
        numbers.append((Array(payload[name]), next))
      }
      self = .numbers(numbers)
    case 3: self = .end
    default: return nil
    }
    guard reader.isAtEnd else { return nil }
  }

  /// The project of a key: what stands before the slash.
  static func project(of key: some Collection<UInt8>) -> [UInt8] { Array(key.prefix { $0 != 0x2F }) }
}

private struct PayloadWriter {
  let bytes: UnsafeMutableRawBufferPointer
  var position = 0

  mutating func put<T: FixedWidthInteger>(_ value: T) {
    bytes.put(value, at: position)
    position += MemoryLayout<T>.size
  }

  mutating func put(_ content: some Collection<UInt8>) {
    UnsafeMutableRawBufferPointer(rebasing: bytes[position...]).copyBytes(from: content)
    position += content.count
  }
}

private struct PayloadReader {
  let bytes: UnsafeRawBufferPointer
  var position = 0

  var isAtEnd: Bool { position == bytes.count }

  mutating func take(_ count: Int) -> Range<Int>? {
    guard count <= bytes.count - position else { return nil }
    defer { position += count }
    return position..<(position + count)
  }

  mutating func get<T: FixedWidthInteger>(_ type: T.Type) -> T? {
    take(MemoryLayout<T>.size).map { bytes.get(at: $0.lowerBound, as: type) }
  }
}
