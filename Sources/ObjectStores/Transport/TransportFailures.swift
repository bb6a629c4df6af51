import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

extension AttemptFailure {
  /// What the HTTP client threw. Its own text may hold a URL or what a server sent: only its kind is used.
  init(transport error: any Error, host: String) {
    switch error {
    case let error as ObjectStoreError:
      // Of our own content, read from a file while it was sent.
      self.init(error, next: .giveUp, reason: error.code.rawValue)
    case let error as AttemptFailure:
      self = error
    case is CancellationError:
      self.init(
        ObjectStoreError(.unavailable, "cancelled during a request to \(host)", isRetriable: true), next: .giveUp,
        reason: "cancelled")
    case is DeadlineExceeded:
      self = .passing(
        .unavailable, "\(host) did not answer in full in time; is it overloaded, or the network slow?",
        reason: "timeout")
    case is NIOTooManyBytesError:
      self.init(
        ObjectStoreError(
          .invalidAnswer,
          "\(host) answered with more than \(Transport.answerBytesMax) bytes where a short answer "
            + "belongs: is this an object store?", isRetriable: true), next: .giveUp, reason: "endless")
    case let error as HTTPClientError:
      self.init(client: error, host: host)
    case is HTTPParserError:
      self = .passing(
        .invalidAnswer, "\(host) answered with what is not HTTP: is this an object store, and http or https right?",
        reason: "garbled")
    case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError:
      self.init(tls: error, host: host)
    case is NIOConnectionError:
      self = .passing(
        .unavailable, "no connection to \(host): is the address right, the store up, and no firewall between?",
        reason: "connection")
    default:
      self = .passing(
        .unavailable, "the connection to \(host) failed (\(type(of: error)))", reason: "connection")
    }
  }

  private init(client error: HTTPClientError, host: String) {
    switch error {
    case .connectTimeout, .getConnectionFromPoolTimeout:
      self = .passing(
        .unavailable, "no connection to \(host) in time: is the address right, the store up, and no firewall between?",
        reason: "connection")
    case .readTimeout, .writeTimeout, .deadlineExceeded:
      self = .passing(
        .unavailable, "\(host) fell silent in the middle of a request; is it overloaded?", reason: "timeout")
    case .remoteConnectionClosed, .uncleanShutdown, .requestStreamCancelled:
      self = .passing(
        .unavailable,
        "\(host) cut the connection in the middle of a request; if this goes on, look at its logs, and "
          + "at proxies between", reason: "cut")
    case .cancelled:
      self.init(
        ObjectStoreError(.unavailable, "cancelled during a request to \(host)", isRetriable: true), next: .giveUp,
        reason: "cancelled")
    case .alreadyShutdown:
      self = .final(.unavailable, "the object store was closed")
    case .tlsHandshakeTimeout:
      self = .passing(.unavailable, "no TLS with \(host) in time: is this an https address?", reason: "tls")
    case .invalidURL, .emptyHost, .emptyScheme:
      self = .final(.invalidConfiguration, "\(host) is not an address: check the endpoint")
    default:
      self = .passing(.unavailable, "the request to \(host) failed (\(error.shortDescription))", reason: "client")
    }
  }

  private init(tls error: any Error, host: String) {
    // The kind is only in the text; the text of BoringSSL's errors is its own, not the server's.
    let text = String(describing: error)
    if text.contains("CERTIFICATE_VERIFY_FAILED") || text.contains("failedToValidateHostname") {
      self = .final(
        .invalidConfiguration,
        "the certificate of \(host) is not to be trusted for that name: with a certificate "
          + "authority of your own, set AWS_CA_BUNDLE (S3) or OS_CACERT (Swift) to its PEM file")
    } else {
      self = .passing(.unavailable, "no TLS with \(host): is this an https address?", reason: "tls")
    }
  }

  /// An answer that says *not now*; nil for any other.
  init?(passing answer: StoreAnswer, host: String, now: WallTime) {
    let isPassing =
      answer.status == 408 || answer.status == 429 || answer.status == 498
      || (answer.status >= 500 && answer.status != 501 && answer.status != 507)
    guard isPassing else { return nil }
    let id = answer.requestID.map { ", request \($0)" } ?? ""
    self.init(
      ObjectStoreError(
        .unavailable, "\(host) answers \(answer.status)\(id): it is overloaded or in trouble, look at its logs",
        isRetriable: true),
      next: answer.retryAfter(now: now).map(Next.tryAfter) ?? .tryAgain, reason: "status_\(answer.status)")
  }
}
