import AuditActions

/// What a program that speaks Apache ACE's log protocol asks for.
struct ACERequest: Sendable {
  enum Kind: String, Sendable { case query, send, receive, sendids, receiveids }

  static let parameters = ["tid", "logid", "range", "filter"]

  let kind: Kind
  /// Only logs of this target; nil: all.
  let target: String?
  let log: String?
  let range: SequenceRanges
  /// Whose actions; where what is sent goes.
  let queue: QueueAddress

  var readsContent: Bool { kind == .send || kind == .sendids }

  /// `filter` is read and has no meaning, as in ACE.
  /// - Throws: a 400 for a parameter that is not what it should be.
  init(_ kind: Kind, _ request: FeedRequest, query: Substring?, queue: QueueAddress) throws(Problem) {
    self.kind = kind
    self.queue = queue
    let query = try QueryItems(query)
    try query.check(known: Self.parameters)
    target = try query.single("tid")
    log = try query.single("logid")
    let text = try query.single("range")
    do throws(AuditActionError) {
      range = if let text { try SequenceRanges(text) } else { .full }
    } catch {
      throw Problem(error)
    }
    if readsContent, target != nil || log != nil {
      throw .invalidParameter("what is sent names its target and log in every line", parameter: "tid")
    }
    guard Accept.allows(request.accept, type: "text", subtype: "plain") else { throw .notAcceptableText }
    if let length = request.contentLength, length > PostResponder.contentBytesMax, readsContent {
      throw .contentTooLarge(bytesMax: PostResponder.contentBytesMax)
    }
  }
}

extension FeedRoute {
  /// Nil for a route that is not ACE's.
  var ace: ACERequest.Kind? {
    switch self {
    case .aceQuery: .query
    case .aceSend: .send
    case .aceReceive: .receive
    case .aceSendIDs: .sendids
    case .aceReceiveIDs: .receiveids
    default: nil
    }
  }
}
