import Foundation
import NIOHTTP1
import Synchronization
import Testing

@testable import ObjectStores

@Suite("AWS credentials")
struct CredentialTests {
  @Test("come from the environment first, and only whole")
  func environment() throws {
    let both = ["AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t", "AWS_PROFILE": "p"]
    #expect(
      try AWSCredentialSource(environment: both)
        == .fixed(AWSCredentials(accessKeyID: "a", secretKey: "s", sessionToken: "t")))
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
      #expect(throws: ObjectStoreError.self) { try AWSCredentialSource(environment: [name: "x"]) }
    }
  }

  @Test("that could break out of a header are refused, unrepeated", arguments: ["a\nb", "a b", "ü", "a\u{0}"])
  func broken(_ secret: String) {
    let error = #expect(throws: ObjectStoreError.self) {
      try AWSCredentialSource(environment: ["AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "hunter2" + secret])
    }
    #expect(error?.description.contains("hunter2") == false)
  }

  @Test("are read from the shared files by profile")
  func profiles() throws {
    let credentials = """
      # comment
      [default]
      aws_access_key_id = D
      aws_secret_access_key=DS

      [ other ]
      AWS_ACCESS_KEY_ID = O
      aws_secret_access_key = OS==
      aws_session_token = OT
      """
    let configuration =
      "[profile config-only]\naws_access_key_id=C\naws_secret_access_key=CS\n[profile role]\nrole_arn=arn\n"
    func load(_ profile: String) throws(ObjectStoreError) -> AWSCredentials? {
      try AWSProfiles.credentials(profile: profile, credentials: credentials, configuration: configuration)
    }
    #expect(try load("default") == AWSCredentials(accessKeyID: "D", secretKey: "DS"))
    #expect(try load("other") == AWSCredentials(accessKeyID: "O", secretKey: "OS==", sessionToken: "OT"))
    #expect(try load("config-only") == AWSCredentials(accessKeyID: "C", secretKey: "CS"))
    #expect(try load("nobody") == nil)
    let error = #expect(throws: ObjectStoreError.self) { try load("role") }
    #expect(error?.code == .notSupported && error?.detail.contains("role_arn") == true)
    #expect(try AWSProfiles.credentials(profile: "x", credentials: "[x\n=\n[]\naws\n]", configuration: nil) == nil)
  }

  @Test("a file rewritten with new keys is read again when the store refuses the old ones")
  func rewrittenFile() async throws {
    try await withFolder { folder in
      let path = folder + "/credentials"
      func write(_ id: String) throws {
        try "[default]\naws_access_key_id=\(id)\naws_secret_access_key=s\n".write(
          toFile: path, atomically: true, encoding: .utf8)
      }
      try write("OLD")
      let valid = Mutex("OLD")
      try await HostileS3.run(environment: [
        "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SHARED_CREDENTIALS_FILE": path,
      ]) { request, _ in
        let authorization = request.headers.first(name: "authorization") ?? ""
        guard authorization.contains("Credential=\(valid.withLock { $0 })/") else {
          return .status(request.method == .HEAD ? 403 : 400, [:], Array(HostileS3.error("ExpiredToken").utf8))
        }
        return request.method == .HEAD ? goodHead("hello") : .status(200)
      } _: { hostile in
        let first = try await hostile.store.put(.text("hello", at: "k"))
        #expect(first == .alreadyThere)
        valid.withLock { $0 = "NEW" }
        try write("NEW")
        let second = try await hostile.store.put(.text("hello", at: "k"))
        #expect(second == .alreadyThere)
      }
    }
  }

  @Test("a profile that was asked for and is not there is an error")
  func missingProfile() async throws {
    try await withFolder { folder in
      try await HostileS3.run(environment: [
        "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "HOME": folder, "AWS_PROFILE": "nobody",
      ]) { _, _ in
        .status(200)
      } _: { hostile in
        let error = await #expect(throws: ObjectStoreError.self) { try await hostile.store.prepare() }
        #expect(error?.code == .unauthorized && error?.detail.contains("nobody") == true)
        #expect(hostile.server.requests.isEmpty)
      }
    }
  }

  @Test("come from a container's service, with its token, and are renewed before they expire")
  func container() async throws {
    try await withFolder { folder in
      let tokenFile = folder + "/token"
      try "secret-token\n".write(toFile: tokenFile, atomically: true, encoding: .utf8)
      let asked = Mutex(0)
      try await HostileServer.run { request, _ in
        guard request.headers.first(name: "authorization") == "secret-token" else { return .status(401) }
        let number = asked.withLock {
          $0 += 1
          return $0
        }
        // An hour from the test's beginning, then two.
        return .text(
          200,
          "{\"AccessKeyId\":\"ID\(number)\",\"SecretAccessKey\":\"S\",\"Token\":\"T\(number)\",\"Expiration\":\"2026-11-21T0\(4 + number):44:00Z\"}"
        )
      } _: { service in
        try await HostileS3.run(environment: [
          "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "",
          "AWS_CONTAINER_CREDENTIALS_FULL_URI": service.address + "/creds?x=1",
          "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": tokenFile,
        ]) { request, _ in
          request.method == .HEAD ? goodHead("hello") : .status(200)
        } _: { hostile in
          _ = try await hostile.store.put(.text("hello", at: "k"))
          _ = try await hostile.store.put(.text("hello", at: "k"))
          #expect(asked.withLock { $0 } == 1)
          #expect(hostile.server.requests.allSatisfy { $0.headers.first(name: "x-amz-security-token") == "T1" })
          hostile.time.advance(seconds: 3_600 - AWSCredentialCache.renewalSeconds + 1)
          _ = try await hostile.store.put(.text("hello", at: "k"))
          #expect(asked.withLock { $0 } == 2)
          #expect(hostile.server.requests.last?.headers.first(name: "x-amz-security-token") == "T2")
        }
      }
    }
  }

  @Test("come from the instance, by IMDSv2 only")
  func instance() async throws {
    try await HostileServer.run { request, _ in
      if request.path == "/latest/api/token" {
        return request.method == .PUT && request.headers.contains(name: "x-aws-ec2-metadata-token-ttl-seconds")
          ? .text(200, "imds-token") : .status(405)
      }
      guard request.headers.first(name: "x-aws-ec2-metadata-token") == "imds-token" else { return .status(401) }
      switch request.path {
      case "/latest/meta-data/iam/security-credentials/": return .text(200, "my-role\n")
      case "/latest/meta-data/iam/security-credentials/my-role":
        return .text(
          200,
          "{\"Code\":\"Success\",\"AccessKeyId\":\"IMDS\",\"SecretAccessKey\":\"S\",\"Token\":\"T\",\"Expiration\":\"2026-11-21T10:44:00Z\"}"
        )
      default: return .status(404)
      }
    } _: { service in
      try await HostileS3.run(environment: [
        "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": service.address + "/",
      ]) { request, _ in
        request.method == .HEAD ? goodHead("hello") : .status(200)
      } _: { hostile in
        _ = try await hostile.store.put(.text("hello", at: "k"))
        let authorization = hostile.server.requests.first?.headers.first(name: "authorization") ?? ""
        #expect(authorization.contains("Credential=IMDS/20261121/us-east-1/s3/aws4_request"))
      }
    }
  }

  @Test("are missing everywhere: an error that says where to put them")
  func missing() async throws {
    try await HostileS3.run(environment: [
      "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true",
    ]) { _, _ in
      .status(200)
    } _: { hostile in
      let error = await #expect(throws: ObjectStoreError.self) { try await hostile.store.prepare() }
      #expect(error?.code == .unauthorized && error?.detail.contains("AWS_ACCESS_KEY_ID") == true)
    }
  }

  @Test("are not asked for over the network in the clear")
  func inTheClear() {
    for url in [
      "http://example.org/", "http://localhost@example.org/", "ftp://localhost/", "http://[::2]/",
      "http://127.0.0.1.example.org/",
    ] {
      let error = #expect(throws: ObjectStoreError.self) {
        try AWSCredentialSource(environment: ["AWS_CONTAINER_CREDENTIALS_FULL_URI": url])
      }
      #expect(error?.code == .invalidConfiguration, "\(url)")
    }
    for url in [
      "https://example.org/", "http://localhost:1/x", "http://[::1]:80/", "http://169.254.170.23/v1/credentials",
    ] {
      #expect(throws: Never.self) { try AWSCredentialSource(environment: ["AWS_CONTAINER_CREDENTIALS_FULL_URI": url]) }
    }
  }
}

@Suite("A bucket's address")
struct S3AddressTests {
  @Test("is AWS's own by region, with the bucket in the host unless a dot stands in it")
  func aws() throws {
    let address = try S3Address(StoreURL("s3://my-bucket/a/b"), environment: ["AWS_REGION": "eu-central-1"])
    #expect(address.scheme + address.host == "https://my-bucket.s3.eu-central-1.amazonaws.com")
    #expect(address.path(ofKey: "k") == "/a/b/k")
    #expect(address.path(ofKey: nil) == "/")
    let dotted = try S3Address(StoreURL("s3://my.bucket"), environment: ["AWS_REGION": "cn-north-1"])
    #expect(dotted.host == "s3.cn-north-1.amazonaws.com.cn")
    #expect(dotted.path(ofKey: "k") == "/my.bucket/k")
  }

  @Test("is another's by the URL's options, then the environment, in path style")
  func endpoint() throws {
    let environment = [
      "AWS_ENDPOINT_URL": "http://general", "AWS_ENDPOINT_URL_S3": "http://special:8333/", "AWS_REGION": "r1",
    ]
    let address = try S3Address(StoreURL("s3://bucket"), environment: environment)
    #expect(address.scheme + address.host == "http://special:8333")
    #expect(address.path(ofKey: "k") == "/bucket/k")
    let chosen = try S3Address(
      StoreURL("s3://bucket?endpoint=https://H.example:443&region=r2&style=virtual"), environment: environment)
    #expect(chosen.scheme + chosen.host == "https://bucket.h.example")
    #expect(chosen.region == "r2")
  }

  @Test(
    "is refused when it cannot be right",
    arguments: [
      "s3://b", "s3://", "s3://buck/../et", "s3://bucket?endpoint=localhost:1", "s3://bucket?endpoint=http://a/b",
      "s3://bucket?endpoint=http://u:p@h", "s3://bucket?style=other&region=r", "s3://bucket?region=a%20b",
      "s3://bucket",
      "s3://b_%0a", "s3://bucket/a/../b?region=r", "s3://bucket?region=r&retain-days=1",
      "s3://bucket?region=r&object-lock=x",
      "s3://bucket?region=r&object-lock=compliance&retain-days=0", "s3://bucket?regoin=r",
    ])
  func refused(_ url: String) {
    let error = #expect(throws: ObjectStoreError.self) {
      try openObjectStore(ObjectStoreConfiguration(url: url, environment: [:]), logger: quiet)
    }
    #expect(error?.code == .invalidConfiguration)
  }
}
