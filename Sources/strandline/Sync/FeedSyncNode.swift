import AsyncHTTPClient
import AuditActions
import NIOCore
import NIOHTTP1

/// A node over HTTP.
struct FeedSyncNode: SyncNode {
  /// Most bytes of an answer.
  private static let answerBytesMax = 32 << 20
  private static let itemsMax = 500
  /// Most logs a node is believed to have.
  private static let logsMax = 1_000_000

  let client: FeedClient

  init(url: String) { client = FeedClient(url: url) }

  func logs(of project: String) async throws(SyncFault) -> [SyncLog] {
    var logs: [SyncLog] = []
    var target = "/v1/\(project)/sources?limit=50"
    while logs.count < Self.logsMax {
      let answer = try await ask(.GET, target)
      if answer.status == 204 { return logs }
      guard answer.status == 200 else { throw refusal(answer) }
      let (found, next) = try read(answer.body) { (scanner, root) throws(AuditActionError) in
        let page = try Self.object(root, scanner)
        let found = try scanner.elements(of: try Self.member("sources", page), countMax: 1_000).map {
          (slice) throws(AuditActionError) in
          let item = try Self.object(slice, scanner)
          return SyncLog(
            project: project, source: try Self.text("source", item, scanner), log: try Self.text("log", item, scanner))
        }
        return (found, try Self.next(page, scanner))
      }
      logs += found
      guard let next, next != target else { return logs }
      target = next
    }
    return logs
  }

  func state(of log: SyncLog) async throws(SyncFault) -> SyncState? {
    let answer = try await ask(.GET, path(log))
    if answer.status == 404 { return nil }
    guard answer.status == 200 else { throw refusal(answer) }
    return try read(answer.body) { (scanner, root) throws(AuditActionError) in
      let members = try Self.object(root, scanner)
      return SyncState(
        received: try SequenceRanges(try Self.text("received", members, scanner), rangesMax: .max),
        // An older node has none.
        lowest: members["lowest"].flatMap { scanner.integer($0, in: SequenceRanges.numbers) } ?? 1)
    }
  }

  func receive(_ ranges: SequenceRanges, after: Int64, of log: SyncLog) async throws(SyncFault) -> SyncPage {
    let answer = try await ask(
      .GET, path(log) + "/actions?range=\(ranges)&limit=\(Self.itemsMax)&marker=\(after)")
    guard answer.status == 200 else { throw refusal(answer) }
    return try read(answer.body) { (scanner, root) throws(AuditActionError) in
      let members = try Self.object(root, scanner)
      let items = try scanner.elements(of: try Self.member("actions", members), countMax: Self.itemsMax).map {
        (slice) throws(AuditActionError) in
        let item = try Self.object(slice, scanner)
        return SyncItem(sequence: try Self.number("sequence", item, scanner), json: Array(scanner.bytes(of: slice)))
      }
      return SyncPage(
        items: items, reached: try Self.number("reached", members, scanner),
        isLast: try Self.next(members, scanner) == nil)
    }
  }

  func send(_ items: [SyncItem], to log: SyncLog) async throws(SyncFault) -> SyncAnswer {
    var body = Array("{\"actions\":[".utf8)
    for (index, item) in items.enumerated() {
      if index > 0 { body.append(UInt8(ascii: ",")) }
      body += item.json
    }
    body += "]}".utf8
    let answer = try await ask(.POST, path(log) + "/actions", body)
    guard answer.status == 200 || answer.status == 207 else { throw refusal(answer) }
    return try read(answer.body) { (scanner, root) throws(AuditActionError) in
      let members = try Self.object(root, scanner)
      let refused = try scanner.elements(of: try Self.member("refused", members), countMax: Self.itemsMax)
      return SyncAnswer(
        accepted: try SequenceRanges(try Self.text("accepted", members, scanner)),
        present: try SequenceRanges(try Self.text("present", members, scanner)),
        refused: try refused.map { (slice) throws(AuditActionError) in
          let item = try Self.object(slice, scanner)
          var refusal = SyncAnswer.Refusal(
            sequence: item["sequence"].flatMap { scanner.integer($0, in: SequenceRanges.numbers) },
            status: try Self.number("status", item, scanner), detail: try Self.text("detail", item, scanner))
          // An older node gives none.
          if let sequence = refusal.sequence, let digests = item["digests"] {
            let digests = try Self.object(digests, scanner)
            refusal.conflict = SyncConflict(
              sequence: sequence, first: digests["sent"].flatMap(scanner.string),
              second: digests["stored"].flatMap(scanner.string))
          }
          return refusal
        })
    }
  }

  func raise(_ log: SyncLog, to lowest: Int64) async throws(SyncFault) -> Bool {
    let answer = try await ask(.PUT, path(log) + "/lowest", Array("{\"lowest\":\(lowest)}".utf8))
    if answer.status == 404 { return false }
    guard answer.status == 200 else { throw refusal(answer) }
    return true
  }

  // MARK: HTTP

  private func path(_ log: SyncLog) -> String {
    "/v1/\(log.project)/sources/\(FeedReader.Query.encode(log.source))/logs/\(FeedReader.Query.encode(log.log))"
  }

  private func ask(
    _ method: HTTPMethod, _ target: String, _ body: [UInt8]? = nil
  ) async throws(SyncFault) -> (status: Int, body: [UInt8]) {
    var request = HTTPClientRequest(url: client.url + target)
    request.method = method
    request.headers.add(name: "User-Agent", value: "strandline/\(Strandline.version)")
    if let body {
      request.headers.add(name: "Content-Type", value: "application/json")
      request.body = .bytes(ByteBuffer(bytes: body))
    }
    do {
      let response = try await FeedClient.http.execute(request, timeout: FeedClient.timeout)
      let body = try await response.body.collect(upTo: Self.answerBytesMax)
      return (Int(response.status.code), Array(body.readableBytesView))
    } catch {
      throw SyncFault("\(client.url) does not answer: \(FeedClient.describe(error))", isUnreachable: true)
    }
  }

  private func refusal(_ answer: (status: Int, body: [UInt8])) -> SyncFault {
    let detail = FeedReading.detail(answer.body)
    return SyncFault("\(client.url) answers \(answer.status)" + (detail.isEmpty ? "" : ": \(detail)"))
  }

  // MARK: JSON

  private func read<Value>(
    _ bytes: [UInt8], _ body: (JSONScanner, JSONSlice) throws(AuditActionError) -> Value
  ) throws(SyncFault) -> Value {
    do throws(AuditActionError) {
      return try bytes.withUnsafeBufferPointer { (buffer) throws(AuditActionError) in
        let scanner = JSONScanner(UnsafeRawBufferPointer(buffer))
        return try body(scanner, try scanner.root(depthMax: ActionLimits.depthMax + 4))
      }
    } catch {
      throw SyncFault("\(client.url) gives no answer of a Strandline feed: \(error.detail)")
    }
  }

  private static func object(
    _ slice: JSONSlice, _ scanner: JSONScanner
  ) throws(AuditActionError) -> [String: JSONSlice] {
    Dictionary(
      try scanner.members(of: slice, countMax: 64).map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
  }

  private static func member(_ name: String, _ object: [String: JSONSlice]) throws(AuditActionError) -> JSONSlice {
    guard let slice = object[name] else { throw AuditActionError(.invalidJSON, "'\(name)' is expected") }
    return slice
  }

  private static func text(
    _ name: String, _ object: [String: JSONSlice], _ scanner: JSONScanner
  ) throws(AuditActionError) -> String {
    guard let text = scanner.string(try member(name, object)) else {
      throw AuditActionError(.invalidJSON, "'\(name)' is a text")
    }
    return text
  }

  private static func number(
    _ name: String, _ object: [String: JSONSlice], _ scanner: JSONScanner
  ) throws(AuditActionError) -> Int64 {
    guard let number = scanner.integer(try member(name, object), in: 0...Int64.max) else {
      throw AuditActionError(.invalidJSON, "'\(name)' is a number")
    }
    return number
  }

  /// The path of the link `next`; nil without one. Never leads to another host.
  private static func next(
    _ page: [String: JSONSlice], _ scanner: JSONScanner
  ) throws(AuditActionError) -> String? {
    for link in try scanner.elements(of: try member("links", page), countMax: 16) {
      let link = try object(link, scanner)
      guard link["rel"].flatMap(scanner.string) == "next", let href = link["href"].flatMap(scanner.string) else {
        continue
      }
      return href.hasPrefix("/") && !href.hasPrefix("//") ? href : nil
    }
    return nil
  }
}
