import Foundation
import NIOHTTP1

/// Credentials from the services beside a workload.
struct AWSMetadata: Sendable {
  let transport: Transport
  let retrier: Retrier
  let files: LocalFiles

  func credentials(from remote: AWSCredentialSource.Remote) async throws(ObjectStoreError) -> AWSCredentials {
    switch remote {
    case .container(let url, let token):
      var headers = HTTPHeaders()
      if let token = try await text(of: token) { headers.add(name: "Authorization", value: token) }
      return try decode(try await ask(.GET, url, headers, "the container's credentials service"))
    case .instance(let endpoint):
      return try await instance(endpoint)
    }
  }

  /// IMDSv2: a token first, which a request forged through the workload could not get.
  private func instance(_ endpoint: String) async throws(ObjectStoreError) -> AWSCredentials {
    let name = "the instance's metadata service"
    let ttl: HTTPHeaders = ["X-aws-ec2-metadata-token-ttl-seconds": "300"]
    let token = try plain(try await ask(.PUT, endpoint + "/latest/api/token", ttl, name))
    let headers: HTTPHeaders = ["X-aws-ec2-metadata-token": token]
    let path = endpoint + "/latest/meta-data/iam/security-credentials/"
    let role = try plain(try await ask(.GET, path, headers, name))
    return try decode(try await ask(.GET, path + PercentEncoding.encoded(role), headers, name))
  }

  private func ask(
    _ method: HTTPMethod, _ url: String, _ headers: HTTPHeaders, _ name: String
  ) async throws(ObjectStoreError) -> [UInt8] {
    let request = StoreRequest(operation: .credentials, method: method, url: url, headers: headers)
    return try await retrier.run(.credentials) { _ throws(AttemptFailure) in
      do throws(AttemptFailure) {
        let answer = try await transport.send(request)
        if let failure = AttemptFailure(passing: answer, host: name, now: retrier.clock.now()) { throw failure }
        guard answer.status == 200 else {
          throw .final(
            .unauthorized,
            "\(name) answers \(answer.status): has this workload a role? Else set AWS_ACCESS_KEY_ID and "
              + "AWS_SECRET_ACCESS_KEY")
        }
        return answer.body
      } catch {
        guard error.reason == "connection" || error.reason == "timeout" else { throw error }
        throw .passing(
          .unauthorized,
          "no AWS credentials: none in the environment or the shared files, and \(name) does not answer. "
            + "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE", reason: error.reason)
      }
    }
  }

  private func text(of token: AWSCredentialSource.Remote.Token?) async throws(ObjectStoreError) -> String? {
    let text: String
    switch token {
    case nil: return nil
    case .text(let fixed): text = fixed
    case .file(let path):
      let files = files
      // Read each time: it is renewed by others.
      guard let bytes = try await BlockingWork.run({ () throws(ObjectStoreError) in try files.contents(of: path) })
      else {
        throw ObjectStoreError(.invalidConfiguration, "the file of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE is missing")
      }
      text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
    return try plain(Array(text.utf8))
  }

  /// A text that can stand in a header.
  private func plain(_ bytes: [UInt8]) throws(ObjectStoreError) -> String {
    let line = bytes.prefix { $0 != 0x0A && $0 != 0x0D }
    guard (1...16_384).contains(line.count), line.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
      throw ObjectStoreError(.invalidAnswer, "a token or role for AWS credentials is empty or garbled")
    }
    return String(decoding: line, as: UTF8.self)
  }

  private func decode(_ body: [UInt8]) throws(ObjectStoreError) -> AWSCredentials {
    struct Answer: Decodable {
      var id: String
      var secret: String
      var token: String?
      var expiration: String?

      enum CodingKeys: String, CodingKey {
        case id = "AccessKeyId"
        case secret = "SecretAccessKey"
        case token = "Token"
        case expiration = "Expiration"
      }
    }
    guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(body)) else {
      throw ObjectStoreError(
        .invalidAnswer, "the service for AWS credentials answers with no credentials: has this workload a role?",
        isRetriable: true)
    }
    return try AWSCredentials(
      accessKeyID: answer.id, secretKey: answer.secret, sessionToken: answer.token,
      expires: answer.expiration.flatMap { WallTime(extended: $0) }
    ).checked(from: "the metadata service")
  }
}
