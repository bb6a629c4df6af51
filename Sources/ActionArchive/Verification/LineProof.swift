import ActionProof
import AuditActions
import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Holds the actions of an object's lines against the checksums and signatures they came with.
struct LineProof {
  /// Most offsets that a finding names.
  static let offsetsMax = 10

  let proof: RecordProof
  /// Actions that carry a checksum or a signature.
  private(set) var checked: Int64 = 0
  /// Those whose signature could not be checked: no key is known of their source.
  private(set) var unchecked: Int64 = 0
  private var faults: [AuditActionError.Code: (count: Int64, first: [Int64], detail: String)] = [:]

  init(_ proof: RecordProof) { self.proof = proof }

  /// - Parameter bytes: what the line was made from.
  mutating func check(_ line: ArchivedLine, in bytes: UnsafeRawBufferPointer) throws {
    guard line.kind == .action, let headers = line.headers, let project = line.project, let queue = line.queue,
      Self.mention(UnsafeRawBufferPointer(rebasing: bytes[headers.range.clamped(to: 0..<bytes.count)]))
    else { return }
    guard let value = line.exactBytes(in: bytes) else {
      throw ArchiveError(.garbled, "the exact bytes of the body at offset \(line.offsets.lowerBound) are no Base64")
    }
    let scanner = JSONScanner(bytes)
    var values: [(name: [UInt8], value: [UInt8]?)] = []
    do throws(AuditActionError) {
      for member in try scanner.members(of: headers, countMax: .max) {
        // Of a name that repeats the last one counts.
        var slice = member.value
        if slice.kind == .array, let last = try scanner.elements(of: slice, countMax: .max).last { slice = last }
        values.append((Array(member.name.utf8), try Self.value(slice, scanner)))
      }
    } catch {
      throw ArchiveError(
        .garbled, "the headers at offset \(line.offsets.lowerBound) are not as they are written: \(error)")
    }
    check(key: Array("\(project)/\(queue)".utf8), value: value, values, at: line.offsets.lowerBound)
  }

  private mutating func check(
    key: [UInt8], value: [UInt8], _ headers: [(name: [UInt8], value: [UInt8]?)], at offset: Int64
  ) {
    RecordFields.with(key: key, value: value, headers: headers) { fields in
      guard fields.checksum != nil || fields.signature != nil else { return }
      checked += 1
      if fields.signature != nil, !proof.knowsSource(of: fields) { unchecked += 1 }
      guard let fault = proof.fault(of: fields) else { return }
      var found = faults[fault.code] ?? (0, [], fault.detail)
      found.count += 1
      if found.first.count < Self.offsetsMax { found.first.append(offset) }
      faults[fault.code] = found
    }
  }

  /// One for each kind of fault, with its places.
  func findings(key: String, partition: Int32) -> [ArchiveFinding] {
    faults.sorted { $0.key.rawValue < $1.key.rawValue }.map { code, fault in
      let offsets = fault.first.map(String.init).joined(separator: ", ")
      let more = fault.count > Int64(fault.first.count) ? " and others, \(fault.count) in all" : ""
      return ArchiveFinding(
        code == .checksumMismatch ? .wrongChecksum : .wrongSourceSignature, key,
        "partition \(partition), offset \(offsets)\(more): \(fault.detail)")
    }
  }

  /// Most lines have neither, and need no second look.
  private static func mention(_ headers: UnsafeRawBufferPointer) -> Bool {
    guard var place = headers.baseAddress else { return false }
    let end = place + headers.count
    while let quote = memchr(place, 0x22, end - place) {
      let name = UnsafeRawPointer(quote) + 1
      for text in [RecordFields.checksumHeader, RecordFields.signatureHeader]
      where end - name >= text.utf8CodeUnitCount && memcmp(name, text.utf8Start, text.utf8CodeUnitCount) == 0 {
        return true
      }
      place = name
    }
    return false
  }

  private static func value(_ slice: JSONSlice, _ scanner: JSONScanner) throws(AuditActionError) -> [UInt8]? {
    switch slice.kind {
    case .string: return scanner.string(slice).map { Array($0.utf8) }
    case .object:
      let text = try scanner.members(of: slice, countMax: 1).first { $0.name == "base64" }
      return text.flatMap { scanner.string($0.value) }.flatMap { Data(base64Encoded: $0) }.map { Array($0) }
    default: return nil
    }
  }
}
