import ActionStore
import AuditActions
import NIOCore
import QueueMetadata

/// Answers what a queue's metadata is, and changes it.
struct MetadataResponder: Sendable {
  /// Longest content of a request, in bytes: a document, or a patch to one.
  static let contentBytesMax = QueueDocument.bytesMax

  let queues: AuditedQueues?
  let store: ActionStore

  // MARK: Reading

  /// The document; `{}` for a queue without one that is known by its actions.
  func answer(
    _ queue: QueueAddress, _ request: FeedRequest, currency: FeedCurrency?, location: String
  ) throws(Problem) -> FeedAnswer {
    let queues = try available()
    let conditions = try EntityTags(request)
    guard let isAudited = queues.reader.isAudited(queue) else { throw .metadataUnread(queues.reader.status.failure) }
    let entry = queues.reader.entry(of: queue)
    if entry == nil, store.statistics(of: queue) == nil {
      // A node that has not read everything cannot know that there is none.
      if let behind = currency?.behind {
        throw .unavailable(behind.detail, retryAfterSeconds: behind.retryAfterSeconds)
      }
      throw .noMetadata
    }
    if conditions.isKnown(entry?.version.entityTag) {
      var answer = FeedAnswer(status: 304)
      if let entry { answer.add("ETag", entry.version.entityTag) }
      answer.add("Cache-Control", "no-store")
      return answer
    }
    var answer = Self.answer(entry)
    answer.add("Content-Location", location)
    answer.add(Self.auditedField, isAudited ? "true" : "false")
    return answer
  }

  /// Says whether actions of the queue are kept, whatever says so: its metadata or the node's default.
  static let auditedField = "Strandline-Audited"

  private static func answer(_ entry: QueueEntry?) -> FeedAnswer {
    var answer = FeedAnswer(status: 200)
    answer.setBody(ByteBuffer(bytes: entry?.document.bytes ?? Array("{}".utf8)), contentType: "application/json")
    if let entry { answer.add("ETag", entry.version.entityTag) }
    answer.add("Cache-Control", "no-store")
    return answer
  }

  // MARK: Changing

  /// What is wrong with a request is told before its content is read.
  func check(_ request: FeedRequest, query: Substring?) throws(Problem) {
    try QueryItems(query).check(known: [])
    guard Accept.allows(request.accept) else { throw .notAcceptable }
    _ = try EntityTags(request)
    // A queue may be made without saying anything of it, as Zaqar's clients do; nothing is to be deleted but it.
    let hasContent = request.contentLength.map { $0 > 0 } ?? (request.method == "PATCH")
    if request.method == "PATCH" || (request.method == "PUT" && (hasContent || request.contentType != nil)) {
      guard MetadataForm(request) != nil else { throw .unsupportedMetadataType(request.method) }
    }
    if let length = request.contentLength, length > Self.contentBytesMax { throw .metadataTooLarge(closes: true) }
    _ = try available()
  }

  func change(
    _ content: ByteBuffer, of queue: QueueAddress, _ request: FeedRequest
  ) async throws(Problem) -> FeedAnswer {
    let queues = try available()
    let conditions = try EntityTags(request)
    let change = try Self.change(Array(content.readableBytesView), request)
    let edit: QueueEdit
    do throws(QueueEditFailure<Problem>) {
      edit = try await queues.writer.edit(queue) { (entry) throws(Problem) in
        guard conditions.allowChange(of: entry?.version.entityTag) else {
          throw .preconditionFailed(entry?.version.entityTag)
        }
        do throws(AuditActionError) { return try change(entry?.document) } catch { throw Problem(metadata: error) }
      }
    } catch {
      switch error {
      case .refused(let problem): throw problem
      case .unavailable(let detail, let mayHaveBeenWritten):
        throw .unavailable(
          detail + (mayHaveBeenWritten ? "; the change may have been written all the same" : ""),
          retryAfterSeconds: 1)
      }
    }
    return Self.answer(edit, queue, request.method)
  }

  private typealias Change = @Sendable (QueueDocument?) throws(AuditActionError) -> QueueDocument?

  /// What is wrong with the content alone is told without asking Kafka.
  private static func change(_ content: [UInt8], _ request: FeedRequest) throws(Problem) -> Change {
    do throws(AuditActionError) {
      switch (request.method, MetadataForm(request)) {
      case ("DELETE", _): return { _ in nil }
      case ("PUT", _):
        let document = content.isEmpty ? .empty : try QueueDocument(content)
        return { _ in document }
      case (_, .jsonPatch(let prefix)):
        let patch = try content.withUnsafeBufferPointer { (raw) throws(AuditActionError) in
          try JSONPatch(UnsafeRawBufferPointer(raw), prefix: prefix)
        }
        return { (document) throws(AuditActionError) in try (document ?? .empty).patched(by: patch) }
      default:
        _ = try QueueDocument.empty.merging(content)
        return { (document) throws(AuditActionError) in try (document ?? .empty).merging(content) }
      }
    } catch {
      throw Problem(metadata: error)
    }
  }

  private static func answer(_ edit: QueueEdit, _ queue: QueueAddress, _ method: String) -> FeedAnswer {
    if method == "PATCH" { return answer(edit.after) }
    let isNew = method == "PUT" && edit.before == nil
    var answer = FeedAnswer(status: isNew ? 201 : 204)
    if isNew {
      answer.add("Location", "/v1/\(queue.project)/queues/\(queue.queue)")
      answer.add("Content-Length", "0")
    }
    if let after = edit.after { answer.add("ETag", after.version.entityTag) }
    answer.add("Cache-Control", "no-store")
    return answer
  }

  private func available() throws(Problem) -> AuditedQueues {
    guard let queues else { throw .unavailable("this node keeps no metadata of queues") }
    return queues
  }
}

/// What the content of a change is, by its `Content-Type`.
enum MetadataForm: Sendable {
  case document
  /// RFC 7396.
  case mergePatch
  /// RFC 6902; with a prefix every path begins with.
  case jsonPatch(prefix: String?)

  static let patchTypes =
    "application/merge-patch+json, application/json-patch+json, application/json, "
    + "application/openstack-messaging-v2.0-json-patch"

  /// Nil for a type the method does not take.
  init?(_ request: FeedRequest) {
    let media = ContentType.media(request.contentType, encoding: request.contentEncoding)
    switch (request.method, media) {
    case ("PUT", "application/json"): self = .document
    case ("PATCH", "application/json"), ("PATCH", "application/merge-patch+json"): self = .mergePatch
    case ("PATCH", "application/json-patch+json"): self = .jsonPatch(prefix: nil)
    // Zaqar's clients patch a queue that has its metadata in a member of that name.
    case ("PATCH", "application/openstack-messaging-v2.0-json-patch"): self = .jsonPatch(prefix: "metadata")
    default: return nil
    }
  }
}
