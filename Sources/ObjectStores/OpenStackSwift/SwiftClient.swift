import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// Requests to an account, one try each, with a token that is renewed when it is refused.
struct SwiftClient: Sendable {
  let location: String
  let container: String
  let sessions: SwiftSessions
  let transport: Transport
  let clock: StoreClock

  struct Request: Sendable {
    var operation: StoreOperation
    var method: HTTPMethod
    var container: String
    /// As it is in the container; nil: the container itself.
    var name: String?
    var query: [(name: String, value: String)] = []
    var headers: HTTPHeaders = [:]
    var body: HTTPClientRequest.Body?
    var bodyBytes: Int64 = 0
  }

  /// - Parameter expected: Statuses to return besides those of success.
  func send(_ request: Request, expecting expected: Set<Int> = []) async throws(AttemptFailure) -> StoreAnswer {
    let (prepared, session) = try await prepare(request)
    let answer = try await transport.send(prepared)
    if answer.status != 401 { await sessions.accepted(session) }
    if (200..<300).contains(answer.status) || expected.contains(answer.status) { return answer }
    throw await judge(answer, request, prepared.host, session)
  }

  /// The answer's body is still to come; statuses 200 and 206 only.
  func open(_ request: Request) async throws(AttemptFailure) -> HTTPClientResponse {
    let (prepared, session) = try await prepare(request)
    let response = try await transport.open(prepared)
    if response.status != .unauthorized { await sessions.accepted(session) }
    if response.status == .ok || response.status == .partialContent { return response }
    _ = try? await withDeadline(.seconds(30)) { try await response.body.collect(upTo: 64 * 1024) }
    throw await judge(StoreAnswer(head: response, body: []), request, prepared.host, session)
  }

  private func prepare(_ request: Request) async throws(AttemptFailure) -> (StoreRequest, SwiftSession) {
    let session: SwiftSession
    do throws(ObjectStoreError) {
      session = try await sessions.session()
    } catch {
      // Asked for often enough by its own source.
      throw AttemptFailure(error, next: .giveUp, reason: "credentials")
    }
    var url = session.storageURL + "/" + PercentEncoding.encoded(request.container)
    if let name = request.name { url += "/" + PercentEncoding.encoded(name, keepsSlash: true) }
    let query = SignatureV4.encodedQuery(request.query)
    if !query.isEmpty { url += "?" + query }
    var headers = request.headers
    headers.add(name: "X-Auth-Token", value: session.token)
    let prepared = StoreRequest(
      operation: request.operation, method: request.method, url: url, headers: headers, body: request.body,
      bodyBytes: request.bodyBytes)
    return (prepared, session)
  }

  private func judge(
    _ answer: StoreAnswer, _ request: Request, _ host: String, _ session: SwiftSession
  ) async -> AttemptFailure {
    if let passing = AttemptFailure(passing: answer, host: host, now: clock.now()) { return passing }
    let id = answer.requestID.map { " (request \($0))" } ?? ""
    switch answer.status {
    case 401:
      var failure = AttemptFailure.final(
        .unauthorized,
        "\(host) does not accept the token of its own sign-in\(id): do account and sign-in belong together?")
      if await sessions.refused(session) { failure.next = .tryNow }
      return failure
    case 403:
      return .final(
        .forbidden,
        "access to \(location) is denied\(id): the user needs the right to read and write the container "
          + "(its lists X-Container-Read and X-Container-Write, or a role)")
    case 404 where request.name == nil || request.method == .PUT:
      return .final(
        .noSuchContainer,
        "there is no container '\(ObjectKey.shown(request.container))' at \(host)\(id): create it, or "
          + "correct the URL")
    case 404: return .final(.notFound, "\(host) answers 404\(id): there is no such object")
    case 409:
      return .passing(
        .unavailable, "\(host) answers 409\(id): a clash with another request, or clocks of its servers that differ",
        reason: "status_409")
    case 412:
      return .final(.invalidAnswer, "an object changed while it was read: something alters the store")
    case 422:
      return .passing(
        .invalidAnswer, "\(host) received other bytes than were sent\(id): does something on the way alter them?",
        reason: "status_422")
    case 413:
      return .final(
        .noSpace, "\(host) takes no object of this size\(id): a quota is used up, or the size is beyond its limit")
    case 507:
      return AttemptFailure(
        ObjectStoreError(.noSpace, "\(host) has no room left\(id): free some, or raise the quota", isRetriable: true),
        next: .giveUp, reason: "status_507")
    case 405, 501: return .final(.notSupported, "\(host) cannot do what was asked of it (\(answer.status))\(id)")
    case 300..<400:
      return .final(.invalidConfiguration, "\(host) redirects, which is not followed: is the store's address right?")
    default:
      return .final(
        .invalidConfiguration, "\(host) refuses the request with \(answer.status)\(id): is it OpenStack Swift?")
    }
  }
}
