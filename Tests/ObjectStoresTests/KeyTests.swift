import Testing

@testable import ObjectStores

@Suite("Object keys")
struct KeyTests {
  @Test(
    "what an archive writes is a key",
    arguments: [
      "a", "date=2026-11-21/hour=04/audit.actions+3+00000000000000000017+00000000000000000042.ndjson.gz", "ü/☃",
    ])
  func keys(_ key: String) throws {
    try ObjectKey.check(key)
  }

  @Test(
    "what could leave the store, or could not be kept by every store, is none",
    arguments: [
      "", "/a", "a/", "a//b", "../a", "a/../b", "a/.", ".", "..", "a\u{0}b", "a\nb", "a\u{7f}", "a\\b",
      "a/.strandline-x", ".strandline-x/a", String(repeating: "a", count: 256),
      String(repeating: "a/", count: 500) + "a",
    ])
  func noKeys(_ key: String) {
    let error = #expect(throws: ObjectStoreError.self) { try ObjectKey.check(key) }
    #expect(error?.code == .invalidConfiguration)
  }

  @Test("an order by bytes is not one by characters")
  func order() {
    #expect(ObjectKey.precedes("a-b", "a/b"))
    #expect(ObjectKey.precedes("Z", "a"))
    #expect(ObjectKey.precedes("e\u{301}", "é"), "equivalent, and yet two keys")
    #expect(!ObjectKey.begins("é", with: "e"))
  }
}

@Suite("A store's URL")
struct StoreURLTests {
  @Test("has a scheme, an authority, a path and options")
  func parts() throws {
    let url = try StoreURL("s3://bucket/a%20b/c/?endpoint=http://127.0.0.1:9000&style=path&flag")
    #expect(url.scheme == "s3")
    #expect(url.authority == "bucket")
    #expect(url.path == "a b/c")
    #expect(url.options == ["endpoint": "http://127.0.0.1:9000", "style": "path", "flag": ""])
    #expect(try StoreURL("file:///var/lib/x").path == "var/lib/x")
    #expect(try StoreURL("swift://container").path.isEmpty)
  }

  @Test(
    "is refused with advice when it cannot be right",
    arguments: ["", "bucket/prefix", "s3:/bucket", "s3://b/%zz", "s3://b/%ff", "s3://b/x#y", "s3://b?x=1&x=2"])
  func refused(_ text: String) {
    let error = #expect(throws: ObjectStoreError.self) { try StoreURL(text) }
    #expect(error?.code == .invalidConfiguration)
  }

  @Test("is refused with a password in it, without repeating the password")
  func password() {
    let error = #expect(throws: ObjectStoreError.self) { try StoreURL("s3://id:hunter2@bucket/x") }
    #expect(error?.detail.contains("hunter2") == false)
  }

  @Test("with a misspelt option is refused")
  func unknownOption() throws {
    let url = try StoreURL("s3://b?regoin=x")
    let error = #expect(throws: ObjectStoreError.self) { try url.check(knownOptions: ["region"]) }
    #expect(error?.detail.contains("regoin") == true)
    #expect(error?.detail.contains("region") == true)
  }
}
