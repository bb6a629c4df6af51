import AuditActions

extension Problem {
  /// What is wrong with the metadata of a queue, or with a patch to it. The parameter is the JSON pointer of the member
  /// at fault, of the document, or of a JSON patch's operation.
  init(metadata error: AuditActionError) {
    switch error.code {
    case .tooLarge:
      self = .metadataTooLarge(closes: false)
    case .patchConflict:
      self = Problem(409, "patch-conflict", title: "The patch does not fit the metadata", detail: error.detail)
    default:
      self = Problem(400, "invalid-metadata", title: "The metadata is not valid", detail: error.detail)
    }
    parameter = error.parameter.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// - Parameter closes: whether the rest of the content is not read, so that the connection ends.
  static func metadataTooLarge(closes: Bool) -> Problem {
    var problem = Problem.contentTooLarge("the metadata of a queue", bytesMax: MetadataResponder.contentBytesMax)
    problem.closesConnection = closes
    return problem
  }

  static let noMetadata = Problem(
    404, "no-such-queue", title: "There is no such queue",
    detail: "the queue has no metadata, and no action of it is known to this node")

  static func preconditionFailed(_ tag: String?) -> Problem {
    Problem(
      412, "precondition-failed", title: "The metadata is not what the request expects",
      detail: (tag.map { "its entity tag is \($0) now" } ?? "the queue has no metadata")
        + "; read it again and decide anew")
  }

  static func unsupportedMetadataType(_ method: String) -> Problem {
    let types = method == "PATCH" ? MetadataForm.patchTypes : "application/json"
    var problem = Problem(
      415, "unsupported-media-type", title: "The content type is not supported",
      detail: "send the metadata of a queue as one of \(types), in UTF-8")
    problem.parameter = "Content-Type"
    problem.accept = types
    return problem
  }
}
