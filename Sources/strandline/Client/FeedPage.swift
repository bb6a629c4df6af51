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

  /// Bytes of a page at most: 50 bodies of 256 KiB, and room for the rest.
  static let bytesMax = 16 << 20
  /// A server that sends more in one page is none of ours.
  private static let messagesMax = 1_000

  let messages: [Message]
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
  }

  private static func object(_ slice: JSONSlice, _ scanner: JSONScanner) throws(AuditActionError) -> [String: JSONSlice]
  {
    Dictionary(
      try scanner.members(of: slice, countMax: 64).map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
  }
}

/// An answer that a feed does not give.
struct FeedFault: Error, Equatable, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
