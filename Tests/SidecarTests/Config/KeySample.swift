// Owns public keys and key sets for the tests of what a configuration says of them.
// Called by the tests of the configuration and of the commands.
// Never holds a key that anybody uses.

enum KeySample {
    /// RSA of 2048 bits.
    static let rsa = """
        -----BEGIN PUBLIC KEY-----
        MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA8JTW+iOKlLceUmBhqJcN
        a04Tmh8Brd6vkBvdjjRjfnKXnGliPWqFcuPIJhnjXsWxuaKVh4xU/reDJoUeVm4N
        YD9wl19R60uGkuQaAedjFGadH1rPrjwa2ipLWmb1HZ5r/yvuF22GOoA6sVXTnh0o
        R6UGUjbt85FcZ57CjJuGrI0s9xjtLwDrq8dUsHIH0UamC/8OED4NIv+UfQztIOLN
        cQLFHZTi1sHM7P7xxi8m2d+dr98/RJ7HMni03sfp5eR/FGj7D/T0H6gM2zS1ixDA
        aO5D6qUioS8tnarhBPn0Ad3HzkVVqgOiHGZJTmvas16hL5zxwrMHirP5PZ19O9di
        CwIDAQAB
        -----END PUBLIC KEY-----
        """
    /// RSA of 1024 bits.
    static let weakRSA = """
        -----BEGIN PUBLIC KEY-----
        MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDQZcNkHlbAzsWvKNim0wkBcmCD
        ntywao6XmSZjyG0JogdEobm6UfbJLb04VNmn8gdshvUjMVZqQC7GPOoHapy2TPew
        SWOdV1ym3sZzl8qyacXhrDgfuNryXPbx6vKPtrhiWNBcn/5Wi2EMfe0UgGOW+dNo
        zbCSkqTg9XV+xtjkeQIDAQAB
        -----END PUBLIC KEY-----
        """
    /// EC on P-256.
    static let p256 = """
        -----BEGIN PUBLIC KEY-----
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE+0GoampaQgQSDEp6CgbofotOtOAe
        cCfeSUHL3UsR//r93lJFC5Z4TtlNxyzG9VW2pMkL87v3IlY85E1Kg3INCQ==
        -----END PUBLIC KEY-----
        """
    /// Ed25519.
    static let ed25519 = """
        -----BEGIN PUBLIC KEY-----
        MCowBQYDK2VwAyEAbIyPxsG9ESCq8vOO6bNxVb1hKvKkL8VFxDS3vKTaCpQ=
        -----END PUBLIC KEY-----
        """
    /// What begins like a private key.
    static let privateKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg
        -----END PRIVATE KEY-----
        """
    /// `rsa` as a key of a set.
    private static let rsaKey = #"""
        {"kty":"RSA","n":"8JTW-iOKlLceUmBhqJcNa04Tmh8Brd6vkBvdjjRjfnKXnGliPWqFcuPIJhnjXsWxua\#
        KVh4xU_reDJoUeVm4NYD9wl19R60uGkuQaAedjFGadH1rPrjwa2ipLWmb1HZ5r_yvuF22GOoA6sVXTnh0oR6\#
        UGUjbt85FcZ57CjJuGrI0s9xjtLwDrq8dUsHIH0UamC_8OED4NIv-UfQztIOLNcQLFHZTi1sHM7P7xxi8m2d\#
        -dr98_RJ7HMni03sfp5eR_FGj7D_T0H6gM2zS1ixDAaO5D6qUioS8tnarhBPn0Ad3HzkVVqgOiHGZJTmvas1\#
        6hL5zxwrMHirP5PZ19O9diCw","e":"AQAB","kid":"rsa-1","use":"sig","alg":"RS256"}
        """#
    /// `p256` as one, under that id.
    private static func p256Key(_ id: String) -> String {
        #"""
        {"kty":"EC","crv":"P-256","x":"-0GoampaQgQSDEp6CgbofotOtOAecCfeSUHL3UsR__o","y":"_d5\#
        SRQuWeE7ZTccsxvVVtqTJC_O79yJWPORNSoNyDQk","kid":"\#(id)"}
        """#
    }
    /// `rsa` as rsa-1, and `p256` as ec-1.
    static let set = #"{"keys":[\#(rsaKey),\#(p256Key("ec-1"))]}"#
    /// Two keys of one id.
    static let twins = #"{"keys":[\#(rsaKey),\#(p256Key("rsa-1"))]}"#
    /// A public key beside a shared secret.
    static let secretSet = #"{"keys":[\#(rsaKey),{"kty":"oct","k":"c2VjcmV0","kid":"s"}]}"#
    /// `weakRSA` alone.
    static let weakSet = #"""
        {"keys":[{"kty":"RSA","n":"0GXDZB5WwM7FryjYptMJAXJgg57csGqOl5kmY8htCaIHRKG5ulH2yS29O\#
        FTZp_IHbIb1IzFWakAuxjzqB2qctkz3sEljnVdcpt7Gc5fKsmnF4aw4H7ja8lz28eryj7a4YljQXJ_-VothD\#
        H3tFIBjlvnTaM2wkpKk4PV1fsbY5Hk","e":"AQAB","kid":"weak"}]}
        """#
}
