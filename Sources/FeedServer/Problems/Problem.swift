import ActionStore
import AuditActions

/// A refusal as RFC 9457 has it: what went wrong with this request, and what to do. Never holds a payload.
struct Problem: Error, Sendable, Equatable {
  /// What a parameter may be, for a client to act on without reading prose.
  enum Allowed: Sendable, Equatable {
    case range(minimum: Int, maximum: Int)
    case values([String])
  }

  /// One item of a POST that was refused.
  struct Item: Sendable, Equatable {
    var index: Int
    var detail: String
    var parameter: String?
  }

  /// The last part of the problem's `type`.
  var name: String
  var status: Int
  var title: String
  var detail: String
  var parameter: String?
  var allowed: Allowed?
  var items: [Item] = []
  /// `Retry-After`, in seconds.
  var retryAfterSeconds: Int?
  /// The `Allow` of a 405, the `Accept` of a 415.
  var allow: String?
  var accept: String?
  /// What was lost, and where reading goes on behind it.
  var gaps: [Gap] = []
  var archive: ArchiveLink?
  var resume: String?
  /// Whether the connection cannot go on after this: what follows on it cannot be told apart.
  var closesConnection = false

  init(_ status: Int, _ name: String, title: String, detail: String) {
    self.status = status
    self.name = name
    self.title = title
    self.detail = detail
  }

  /// The prefix of every `type`. A name, not a place: there is nothing to fetch.
  static let typePrefix = "urn:problem-type:strandline:"
}

extension Problem {
  static func invalidParameter(_ detail: String, parameter: String? = nil, allowed: Allowed? = nil) -> Problem {
    var problem = Problem(400, "invalid-parameter", title: "A parameter is not valid", detail: detail)
    problem.parameter = parameter
    problem.allowed = allowed
    return problem
  }

  static func unknownParameter(_ name: String, known: [String]) -> Problem {
    let shown = String(decoding: name.utf8.prefix(64), as: UTF8.self)
    var detail = "there is no parameter '\(shown)' here"
    if let nearest = Spelling.nearest(to: name, in: known) {
      detail += "; did you mean '\(nearest)'?"
    } else if known.isEmpty {
      detail += "; this route takes none"
    }
    var problem = Problem(400, "unknown-parameter", title: "A parameter is not known", detail: detail)
    problem.parameter = shown
    problem.allowed = .values(known)
    return problem
  }

  static let invalidTarget = Problem(
    400, "invalid-target", title: "The request target is not valid",
    detail: "send a path that begins with a slash, in visible ASCII, everything else percent-encoded")

  static let invalidPercentCoding = Problem(
    400, "invalid-target", title: "The request target is not valid",
    detail: "a percent sign is followed by two hexadecimal digits, and what they spell is UTF-8")

  static let notFound = Problem(
    404, "no-such-route", title: "There is nothing here",
    detail: "no route has this path; GET /openapi.yaml lists them")

  static let unknownAction = Problem(
    404, "no-such-action", title: "There is no such action",
    detail: "the action is unknown or has expired; actions that expired are in the archive only")

  static let unknownQueue = Problem(
    404, "no-such-queue", title: "There is no such queue", detail: "no action of this queue is known to this node")

  static let unknownSourceLog = Problem(
    404, "no-such-source-log", title: "There is no such log of a source",
    detail:
      "no numbered action of this source and log is known to this node; sources are listed at /v1/{project}/sources")

  static func methodNotAllowed(_ route: FeedRoute) -> Problem {
    var problem = Problem(
      405, "method-not-allowed", title: "The method is not allowed here", detail: "this route answers \(route.allow)")
    problem.allow = route.allow
    return problem
  }

  /// For a reader who asked for `Prefer: handling=strict`.
  static func lost(_ gaps: [Gap], archive: ArchiveLink?, resume: String) -> Problem {
    var problem = Problem(
      410, "actions-lost", title: "Actions can no longer be read",
      detail: "actions between the marker and the next one cannot be read any more (see gaps); "
        + "follow resume to go on behind them")
    problem.gaps = gaps
    problem.archive = archive
    problem.resume = resume
    return problem
  }

  static let notAcceptable = Problem(
    406, "not-acceptable", title: "No acceptable representation",
    detail: "this route answers application/json; send it in Accept, or send no Accept")

  static let requestTimeout = closing(
    Problem(
      408, "request-timeout", title: "The request did not arrive in time",
      detail: "the request was not complete within the time allowed; send it again"))

  static func contentTooLarge(_ what: String, bytesMax: Int) -> Problem {
    var problem = Problem(
      413, "content-too-large", title: "The content is too large", detail: "\(what) has at most \(bytesMax) bytes")
    problem.allowed = .range(minimum: 0, maximum: bytesMax)
    return problem
  }

  static func targetTooLong(bytesMax: Int) -> Problem {
    closing(
      Problem(
        414, "target-too-long", title: "The request target is too long",
        detail: "a request target has at most \(bytesMax) bytes"))
  }

  static let unsupportedMediaType: Problem = {
    var problem = Problem(
      415, "unsupported-media-type", title: "The content type is not supported",
      detail: "send actions as JSON, with Content-Type: application/json")
    problem.parameter = "Content-Type"
    problem.accept = "application/json"
    return problem
  }()

  static func fieldsTooLarge(bytesMax: Int) -> Problem {
    closing(
      Problem(
        431, "fields-too-large", title: "The header fields are too large",
        detail: "all header fields of a request have at most \(bytesMax) bytes together"))
  }

  static let malformed = closing(
    Problem(
      400, "malformed-request", title: "The request is malformed", detail: "this is not HTTP/1.1 as RFC 9112 has it"))

  /// Never met: sizes of text are worked out before it is written, and they did not agree.
  static let unwritable = Problem(
    500, "internal", title: "The answer could not be written", detail: "a fault of the server; please report it")

  static func unavailable(_ detail: String, retryAfterSeconds: Int = 5) -> Problem {
    var problem = Problem(503, "unavailable", title: "The service cannot do this now", detail: detail)
    problem.retryAfterSeconds = retryAfterSeconds
    return problem
  }

  /// Something on disk is not what was written; it is read again from the topic.
  static let unreadable = unavailable("a damaged file of this node is being set aside", retryAfterSeconds: 1)

  private static func closing(_ problem: Problem) -> Problem {
    var problem = problem
    problem.closesConnection = true
    return problem
  }
}
