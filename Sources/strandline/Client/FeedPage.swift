import AuditActions

/// A page of the feed as a client sees it: every message's bytes as they came, and where the next page is.
struct FeedPage: Sendable, Equatable {
  struct Message: Sendable, Equatable {
    /// The whole message, byte for byte.
    let bytes: [UInt8]
    /// Its `body`, byte for byte.
    let body: [UInt8]
    let href: String
    let ttl: Int64
    let age: Int64
  }

  /// What the feed says it can no longer give.
  struct Gap: Sendable, Equatable {
    let reason: String
    /// Nil when nobody counted.
    let count: Int64?
    let partition: Int64
    let from: Int64
    let to: Int64
  }

  /// What sources have numbered, and has not come.
  struct Missing: Sendable, Equatable {
    let source: String
    let log: String
    let count: Int64
    /// The lowest of them.
    let ranges: String
  }

  /// Bytes of a page at most: 50 bodies of 256 KiB, and room for the rest.
  static let bytesMax = 16 << 20
  /// A server that sends more in one page is none of ours.
  private static let messagesMax = 1_000

  let messages: [Message]
  let gaps: [Gap]
  let missing: [Missing]
  /// Path and query of the next page.
  let next: String

  /// - Throws: what is wrong with the answer.
  init(parsing bytes: [UInt8]) throws(FeedFault) {
    do throws(AuditActionError) {
      self = try bytes.withUnsafeBufferPointer { (buffer) throws(AuditActionError) in
        try FeedPage(JSONScanner(UnsafeRawBufferPointer(buffer)))
      }
    } catch {
      throw FeedFault("the answer is no page of a Strandline feed: \(error.detail)")
    }
  }

  private init(_ scanner: JSONScanner) throws(AuditActionError) {
    let root = try Self.object(try scanner.root(depthMax: ActionLimits.depthMax + 4), scanner)
    guard let links = root["links"], let list = root["messages"] else {
      throw AuditActionError(.invalidJSON, "'links' and 'messages' are expected")
    }
    var next: String?
    for link in try scanner.elements(of: links, countMax: 16) {
      let link = try Self.object(link, scanner)
      if link["rel"].flatMap(scanner.string) == "next" { next = link["href"].flatMap(scanner.string) }
    }
    // Only a path: a reader never follows a page to another host.
    guard let next, next.hasPrefix("/"), !next.hasPrefix("//") else {
      throw AuditActionError(.invalidJSON, "there is no link 'next' with a path")
    }
    self.next = next
    var messages: [Message] = []
    for slice in try scanner.elements(of: list, countMax: Self.messagesMax) {
      let message = try Self.object(slice, scanner)
      guard let href = message["href"].flatMap(scanner.string), let body = message["body"],
        let ttl = message["ttl"].flatMap({ scanner.integer($0, in: 0...Int64.max) }),
        let age = message["age"].flatMap({ scanner.integer($0, in: 0...Int64.max) })
      else { throw AuditActionError(.invalidJSON, "a message without href, ttl, age or body") }
      messages.append(
        Message(
          bytes: Array(scanner.bytes(of: slice)), body: Array(scanner.bytes(of: body)), href: href, ttl: ttl, age: age))
    }
    self.messages = messages
    gaps = if let list = root["gaps"] { try Self.gaps(list, scanner) } else { [] }
    missing = if let list = root["missing"] { try Self.missing(list, scanner) } else { [] }
  }

  private static func missing(_ list: JSONSlice, _ scanner: JSONScanner) throws(AuditActionError) -> [Missing] {
    var missing: [Missing] = []
    for slice in try scanner.elements(of: list, countMax: messagesMax) {
      let log = try object(slice, scanner)
      guard let source = log["source"].flatMap(scanner.string), let name = log["log"].flatMap(scanner.string),
        let count = log["count"].flatMap({ scanner.integer($0, in: 1...Int64.max) }),
        let ranges = log["ranges"].flatMap(scanner.string)
      else { throw AuditActionError(.invalidJSON, "missing numbers without source, log, count or ranges") }
      missing.append(Missing(source: source, log: name, count: count, ranges: ranges))
    }
    return missing
  }

  private static func gaps(_ list: JSONSlice, _ scanner: JSONScanner) throws(AuditActionError) -> [Gap] {
    var gaps: [Gap] = []
    for slice in try scanner.elements(of: list, countMax: messagesMax) {
      let gap = try object(slice, scanner)
      guard let reason = gap["reason"].flatMap(scanner.string), let from = try place(gap["from"], scanner),
        let to = try place(gap["to"], scanner)
      else { throw AuditActionError(.invalidJSON, "a gap without reason, from or to") }
      let count = gap["count"].flatMap { scanner.integer($0, in: 0...Int64.max) }
      gaps.append(Gap(reason: reason, count: count, partition: from.partition, from: from.offset, to: to.offset))
    }
    return gaps
  }

  private static func place(
    _ slice: JSONSlice?, _ scanner: JSONScanner
  ) throws(AuditActionError) -> (partition: Int64, offset: Int64)? {
    guard let slice else { return nil }
    let place = try object(slice, scanner)
    guard let partition = place["partition"].flatMap({ scanner.integer($0, in: 0...Int64.max) }),
      let offset = place["offset"].flatMap({ scanner.integer($0, in: 0...Int64.max) })
    else { return nil }
    return (partition, offset)
  }

  private static func object(_ slice: JSONSlice, _ scanner: JSONScanner) throws(AuditActionError) -> [String: JSONSlice]
  {
    Dictionary(
      try scanner.members(of: slice, countMax: 64).map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
  }
}

extension FeedPage.Gap: CustomStringConvertible {
  var description: String {
    let what = count.map { $0 == 1 ? "1 action" : "\($0) actions" } ?? "an unknown number of actions"
    return "\(what) lost (\(Terminal.harmless(reason))), partition \(partition), offsets \(from) to \(to)"
  }
}

extension FeedPage.Missing: CustomStringConvertible {
  var description: String {
    let what = count == 1 ? "1 action has" : "\(count) actions have"
    return "\(what) not come from source \(Terminal.harmless(source)), log \(Terminal.harmless(log)): "
      + Terminal.harmless(ranges)
  }
}

/// An answer that a feed does not give.
struct FeedFault: Error, Equatable, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
