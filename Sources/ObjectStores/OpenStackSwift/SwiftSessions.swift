import AsyncHTTPClient
import Foundation
import Logging
import NIOHTTP1

/// A signed-in client's address and token.
struct SwiftSession: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
  /// Of the account, without `/` at its end.
  var storageURL: String
  var token: String
  var expires: WallTime?

  var description: String { "SwiftSession(hidden)" }
  var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// The session in use, renewed before its token expires or when it is refused; signed in once however many wait.
actor SwiftSessions {
  /// Renewed that long before the token expires: what is begun with it must end with it.
  private static let renewalSeconds: Int64 = 120

  private let signIn: SwiftSignIn
  private let transport: Transport
  private let retrier: Retrier
  private var current: SwiftSession?
  /// A request with it has been let in.
  private var isProven = false
  private var renewal: Task<Result<SwiftSession, ObjectStoreError>, Never>?

  init(signIn: SwiftSignIn, transport: Transport, retrier: Retrier) {
    self.signIn = signIn
    self.transport = transport
    self.retrier = retrier
  }

  func session() async throws(ObjectStoreError) -> SwiftSession {
    if let current, current.expires.map({ retrier.clock.now().adding(seconds: Self.renewalSeconds) < $0 }) ?? true {
      return current
    }
    if let renewal { return try await renewal.value.get() }
    let task = Task { [signIn, transport, retrier] () -> Result<SwiftSession, ObjectStoreError> in
      do throws(ObjectStoreError) {
        return .success(try await signIn.session(transport, retrier))
      } catch {
        return .failure(error)
      }
    }
    renewal = task
    let result = await task.value
    renewal = nil
    if case .success(let session) = result {
      if signIn.isEncrypted, !session.storageURL.lowercased().hasPrefix("https://") {
        retrier.logger.warning(
          "the sign-in is by https, and the store's own address is not: tokens and objects go over the network in the clear"
        )
      }
      current = session
      isProven = false
    }
    return try result.get()
  }

  func accepted(_ session: SwiftSession) {
    if session == current { isProven = true }
  }

  /// For tests: as if the server had forgotten the token.
  func replaceToken(_ token: String) { current?.token = token }

  /// - Returns: Whether a new session can help: not when this one was new and never let in.
  func refused(_ session: SwiftSession) -> Bool {
    if case .token = signIn { return false }
    guard session == current else { return true }
    defer { current = nil }
    return isProven
  }
}

extension SwiftSignIn {
  fileprivate func session(_ transport: Transport, _ retrier: Retrier) async throws(ObjectStoreError) -> SwiftSession {
    switch self {
    case .token(let storageURL, let token): return SwiftSession(storageURL: storageURL, token: token)
    case .v1(let url, let user, let key):
      let request = StoreRequest(
        operation: .credentials, method: .GET, url: url, headers: ["X-Auth-User": user, "X-Auth-Key": key])
      return try await retrier.run(.credentials) { _ throws(AttemptFailure) in
        let answer = try await Self.send(request, transport, retrier, "ST_AUTH, ST_USER and ST_KEY")
        return try Self.v1Session(answer, request.host, now: retrier.clock.now())
      }
    case .keystone(let keystone):
      var request = StoreRequest(
        operation: .credentials, method: .POST, url: keystone.url, headers: ["Content-Type": "application/json"])
      request.body = .bytes(keystone.body)
      let prepared = request
      return try await retrier.run(.credentials) { _ throws(AttemptFailure) in
        let answer = try await Self.send(
          prepared, transport, retrier, "the OS_… variables (user, password or secret, project, domains)")
        guard let token = answer.header("x-subject-token"), Self.isToken(token),
          let description = try? JSONDecoder().decode(KeystoneRequest.Answer.self, from: Data(answer.body))
        else { throw Self.garbled(prepared.host) }
        do throws(ObjectStoreError) {
          return SwiftSession(
            storageURL: try keystone.address(in: description), token: token,
            expires: description.token.expiresAt.flatMap { WallTime(extended: $0) })
        } catch {
          throw AttemptFailure(error, next: .giveUp, reason: error.code.rawValue)
        }
      }
    }
  }

  private static func send(
    _ request: StoreRequest, _ transport: Transport, _ retrier: Retrier, _ variables: String
  ) async throws(AttemptFailure) -> StoreAnswer {
    let answer = try await transport.send(request)
    if let failure = AttemptFailure(passing: answer, host: request.host, now: retrier.clock.now()) { throw failure }
    switch answer.status {
    case 200..<300: return answer
    case 401, 403:
      throw .final(.unauthorized, "the sign-in at \(request.host) is refused (\(answer.status)): check \(variables)")
    case 300..<400:
      throw .final(
        .invalidConfiguration,
        "the sign-in at \(request.host) is redirected, which is not followed: give the address itself")
    default:
      throw .final(
        .invalidConfiguration, "the sign-in at \(request.host) answers \(answer.status): is its address right?")
    }
  }

  private static func v1Session(
    _ answer: StoreAnswer, _ host: String, now: WallTime
  ) throws(AttemptFailure) -> SwiftSession {
    guard let url = answer.header("x-storage-url"), let storageURL = try? address(url, "X-Storage-Url"),
      let token = answer.header("x-auth-token") ?? answer.header("x-storage-token"), isToken(token)
    else { throw garbled(host) }
    let seconds = answer.header("x-auth-token-expires").flatMap { Int64($0) }
    return SwiftSession(
      storageURL: storageURL, token: token, expires: seconds.map { now.adding(seconds: min(max($0, 0), 1 << 32)) })
  }

  private static func isToken(_ text: String) -> Bool {
    (1...16_384).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
  }

  private static func garbled(_ host: String) -> AttemptFailure {
    .passing(
      .invalidAnswer,
      "the sign-in at \(host) answers without a token or the store's address: is it Keystone v3 (OS_…) "
        + "or tempauth (ST_…)?", reason: "garbled")
  }
}
