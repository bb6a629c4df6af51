import Crypto

/// Writes one object: lines in, a packed file and its facts out.
final class ObjectWriter {
  private let file: SpoolFile
  private let compressor: any Compressor
  private var block: [UInt8] = []
  private var contentHash = SHA256()
  private var packedHash = SHA256()
  private(set) var facts = ObjectContent()

  init(path: String, compression: ArchiveCompression) throws(ArchiveError) {
    file = try SpoolFile(path: path)
    compressor = try compression.compressor()
    block.reserveCapacity(ArchiveCompression.blockBytes)
  }

  var path: String { file.path }

  /// Appends one line. `change` counts it.
  func append(_ line: some Collection<UInt8>, _ change: (inout ObjectContent) -> Void) throws(ArchiveError) {
    facts.lines += 1
    facts.contentBytes += Int64(line.count)
    change(&facts)
    var rest = line[...]
    while !rest.isEmpty {
      let room = ArchiveCompression.blockBytes - block.count
      block += rest.prefix(room)
      rest = rest.dropFirst(room)
      if block.count == ArchiveCompression.blockBytes { try flush(isLast: false) }
    }
  }

  /// Ends the object. The file stays until the caller removes it.
  func finish() throws(ArchiveError) -> ObjectContent {
    try flush(isLast: true)
    file.finish()
    facts.sha256 = Array(packedHash.finalize())
    facts.contentSHA256 = Array(contentHash.finalize())
    facts.bytes = file.size
    return facts
  }

  private func flush(isLast: Bool) throws(ArchiveError) {
    let result: Result<Void, ArchiveError> = block.withUnsafeBytes { bytes in
      contentHash.update(bufferPointer: bytes)
      do throws(ArchiveError) {
        return .success(
          try compressor.compress(bytes, isLast: isLast) { (packed) throws(ArchiveError) in
            packedHash.update(bufferPointer: packed)
            try file.append(packed)
          })
      } catch {
        return .failure(error)
      }
    }
    block.removeAll(keepingCapacity: true)
    try result.get()
  }
}

/// What an object holds.
struct ObjectContent: Sendable, Equatable {
  /// Of the object's bytes and of its lines before they were packed; 32 bytes each.
  var sha256: [UInt8] = []
  var contentSHA256: [UInt8] = []
  var bytes: Int64 = 0
  var contentBytes: Int64 = 0
  var lines: Int64 = 0
  var actions: Int64 = 0
  var rejected: Int64 = 0
  /// Offsets stated to hold no record, and offsets stated to be lost.
  var gapOffsets: Int64 = 0
  var holeOffsets: Int64 = 0
  /// The earliest and the latest time of its records, in milliseconds since 1970; nil where none has a time.
  var times: ClosedRange<Int64>?

  mutating func note(time: Int64?) {
    guard let time else { return }
    times = times.map { min($0.lowerBound, time)...max($0.upperBound, time) } ?? time...time
  }
}
