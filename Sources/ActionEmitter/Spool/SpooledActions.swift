package import AuditActions
import Kafka

/// What a spool's folder holds, for those who bring it to a feed another way than through Kafka.
///
/// Reads the files as they are, also while a worker writes to them: what is begun and not finished is left out, and so
/// is what follows a damaged record in its file. What Kafka has acknowledged is there until its file is given up.
package enum SpooledActions {
  package struct Item: Sendable {
    package let origin: ActionOrigin
    package let queue: QueueAddress
    package let body: [UInt8]
    package let timeToLiveSeconds: Int32?
    /// What proves it; nil where it was not sealed.
    package let seal: ActionSeal?
  }

  /// In the order they were written.
  /// - Throws: `spool` when the folder or a file of it cannot be read, or was written by a newer version.
  package static func read(directory: String) throws(EmitError) -> [Item] {
    let disk = SpoolDisk()
    var items: [Item] = []
    for name in try disk.names(in: directory).sorted() where name.hasSuffix(".spool") {
      guard let bytes = try disk.contents(of: "\(directory)/\(name)", bytesMax: 268_435_456) else { continue }
      try bytes.withUnsafeBufferPointer { (bytes) throws(EmitError) in
        let bytes = UnsafeRawBufferPointer(bytes)
        switch SpoolFormat.decode(bytes) {
        case .newerVersion:
          throw EmitError(.spool, "\(directory)/\(name) was written by a newer version", hint: "use that version")
        case .damaged: return
        case .whole(let header): read(bytes, header, into: &items)
        }
      }
    }
    return items
  }

  private static func read(_ bytes: UnsafeRawBufferPointer, _ header: SpoolFormat.Header, into items: inout [Item]) {
    var position = SpoolFormat.headerBytes
    while case .record(let record, let next) = SpoolScan.record(in: bytes, at: position, header) {
      if case .action(let action) = record {
        let payload = UnsafeRawBufferPointer(rebasing: bytes[(position + SpoolFormat.recordHeadBytes)..<next])
        if let item = item(action, payload, header) { items.append(item) }
      }
      position = next
    }
  }

  /// Nil for one that no emitter writes.
  private static func item(
    _ action: SpoolRecord.Action, _ payload: UnsafeRawBufferPointer, _ header: SpoolFormat.Header
  ) -> Item? {
    func value(of name: String) -> [UInt8]? { action.headers.first { $0.key == name }?.value }
    let source = value(of: ActionOrigin.sourceHeader).map { String(decoding: $0, as: UTF8.self) } ?? header.source
    guard let queue = try? QueueAddress(key: UnsafeRawBufferPointer(rebasing: payload[action.key])),
      let origin = try? ActionOrigin(source: source, log: String(header.logID), sequence: action.sequence)
    else { return nil }
    let timeToLive = value(of: "ttl").flatMap { bytes in
      bytes.withUnsafeBytes { try? ActionRecord.parseTimeToLive($0) }
    }
    let seal = ActionSeal { part in
      value(of: "\(part.header)").flatMap { String(validating: $0, as: UTF8.self) }
    }
    return Item(
      origin: origin, queue: queue, body: Array(payload[action.value]), timeToLiveSeconds: timeToLive, seal: seal)
  }
}
