import Foundation
package import ObjectStores

/// Reads actions back, in streams: nothing is unpacked to disk, and memory does not follow the size of objects.
package struct ArchiveReader: Sendable {
  private let store: any ObjectStore

  package init(store: any ObjectStore) { self.store = store }

  /// An object of lines.
  package struct Entry: Sendable, Equatable {
    package let key: String
    package let bytes: Int64
    package let name: ObjectName
  }

  /// The objects that can hold something of a selection, by date and hour, then by partition and offset.
  /// - Throws: `notFound` when there is no archive of the topic: nothing found must not look like nothing happened.
  package func objects(_ selection: ArchiveSelection, _ body: (Entry) async throws -> Void) async throws {
    try await requireArchive(of: selection.topic)
    let topic = "topic=\(selection.topic)/"
    try await objects(selection, prefix: topic, after: "\(topic)date=\(selection.firstDate)", body)
    let project = selection.project.map { "project=\($0)/\(topic)" } ?? "project="
    try await objects(selection, prefix: project, after: nil, body)
  }

  private func requireArchive(of topic: String) async throws {
    for folder in [ArchiveKey.cutFolder, ArchiveKey.manifestFolder] {
      let own = try await store.list(prefix: "\(folder)topic=\(topic)/", after: nil)
      if !own.objects.isEmpty || own.next != nil { return }
    }
    let others = try await store.list(prefix: ArchiveKey.manifestFolder, after: nil)
    let hint =
      others.objects.lazy.compactMap { ArchiveKey($0.key)?.topic }.first.map { "; there is one of '\($0)'" } ?? ""
    throw ArchiveError(.notFound, "there is no archive of topic '\(topic)' at \(store.location)\(hint)")
  }

  private func objects(
    _ selection: ArchiveSelection, prefix: String, after: String?, _ body: (Entry) async throws -> Void
  ) async throws {
    var after = after
    repeat {
      let page = try await store.list(prefix: prefix, after: after)
      for object in page.objects {
        guard let name = ObjectName(object.key) else { continue }
        // Without a prefix a project, names sort by date: beyond the last one there is nothing.
        if name.project == nil, name.date > selection.lastDate { return }
        if selection.admits(name) { try await body(Entry(key: object.key, bytes: object.size, name: name)) }
      }
      after = page.next
    } while after != nil
  }

  /// The lines of a selection, as they are in the archive, without line ends.
  /// - Parameter body: the pointer is valid for the call.
  package func lines(
    _ selection: ArchiveSelection, _ body: (ArchivedLine, UnsafeRawBufferPointer) throws -> Void
  ) async throws {
    try await objects(selection) { entry in
      try await lines(of: entry) { line, bytes in
        if selection.admits(line) { try body(line, bytes) }
      }
    }
  }

  private func lines(
    of entry: Entry, _ body: (ArchivedLine, UnsafeRawBufferPointer) throws -> Void
  ) async throws {
    let unpacker = try entry.name.compression.decompressor()
    var splitter = LineSplitter()
    do {
      _ = try await store.read(entry.key, from: 0) { chunk in
        try unpacker.decompress(chunk) { content in
          try splitter.take(content) { bytes in try body(try ArchivedLine(bytes), bytes) }
        }
      }
      guard unpacker.isComplete, splitter.isAtLineStart else {
        throw ArchiveError(.garbled, "it ends in the middle of a line")
      }
    } catch let error as ArchiveError {
      throw ArchiveError(error.code, "\(entry.key): \(error.detail); 'strandline verify' tells more")
    }
  }

  /// The body of one action, byte for byte as it was sent.
  /// - Throws: `notFound`, also for offsets that hold no action, with what the archive says of them.
  package func body(topic: String, partition: Int32, offset: Int64) async throws -> [UInt8] {
    var selection = ArchiveSelection(topic: topic)
    selection.partition = partition
    selection.offsets = offset...offset
    var found: [UInt8]?
    var statement: ArchivedLine.Kind?
    do {
      try await lines(selection) { line, bytes in
        if line.kind == .action {
          found = line.exactBytes(in: bytes)
          throw Found()
        }
        statement = line.kind
      }
    } catch is Found {}
    if let found { return found }
    let place = "offset \(offset) of partition \(partition)"
    let reason =
      switch statement {
      case .gap: "the topic has no record at \(place)"
      case .hole: "\(place) was lost by the topic before it was archived"
      case .rejected: "\(place) broke the contract; 'strandline archive cat' shows it"
      default: "the archive does not say anything of \(place)"
      }
    throw ArchiveError(.notFound, reason)
  }

  private struct Found: Error {}
}

extension ArchivedLine {
  /// The body as it was sent. `line` is the line this was made from.
  package func exactBytes(in line: UnsafeRawBufferPointer) -> [UInt8]? {
    if let exactBody {
      let text = line[exactBody.clamped(to: 0..<line.count)].dropFirst().dropLast()
      return Data(base64Encoded: Data(text)).map { [UInt8]($0) }
    }
    return body.map { Array(line[$0.clamped(to: 0..<line.count)]) }
  }
}
