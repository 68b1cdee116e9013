#include "media/decoder/lists.h"

const char pp_containers[] =
    /* in use everywhere */
    "mov,matroska,webm,avi,flv,live_flv,mpegts,mpeg,asf,asf_o,ogg,mxf,gxf,rm,nut,dv,wtv,ivf,nsv,"
    "nuv,swf,kux,dhav,mpegtsraw,pmp,viv,vivo,"
    /* sound files, which may carry a cover picture */
    "mp3,flac,wav,w64,aiff,ape,wv,tta,aac,mpc,mpc8,tak,dsf,caf,oma,"
    /* raw streams and pictures: only to say what is missing in them */
    "h264,hevc,m4v,mpegvideo,obu,gif,png_pipe,jpeg_pipe,webp_pipe,bmp_pipe,tiff_pipe,yuv4mpegpipe,"
    "ac3,eac3,amr,au,"
    /* old games and cameras */
    "bink,smk,roq,film_cpk,ea,thp,xmv,4xm,idcin,ipmovie,vmd,wc3movie,mm,mmf,bethsoftvid,avs,argo_"
    "asf,cdxl,dfa,flic,iv8,lmlm4,rl2,siff,smush,anm,bfi,c93,cine,dsicin,jv,psxstr,tiertexseq,yop";

const char pp_codecs[] =
    /* pictures in use */
    "h264,hevc,vp8,vp9,libdav1d,libaom-av1,av1,mpeg1video,mpeg2video,mpegvideo,mpeg4,msmpeg4v1,"
    "msmpeg4v2,msmpeg4,wmv1,wmv2,wmv3,vc1,h261,h263,h263i,h263p,flv,theora,dirac,cavs,vp3,vp4,vp5,"
    "vp6,vp6a,vp6f,vp7,mjpeg,mjpegb,jpeg2000,jpegls,png,apng,gif,bmp,webp,tiff,"
    /* pictures of editors and cameras */
    "prores,dnxhd,cfhd,dvvideo,ffv1,huffyuv,ffvhuff,hymt,utvideo,magicyuv,lagarith,sheervideo,"
    "rawvideo,v210,v210x,v308,v408,v410,yuv4,y41p,ayuv,r210,r10k,avrp,avui,avrn,hap,hq_hqa,hqx,"
    "cllc,aic,pixlet,speedhq,notchlc,mvha,mvdv,snow,vble,zerocodec,012v,bitpacked,cljr,"
    /* pictures of screens */
    "flashsv,flashsv2,camtasia,tscc2,zmbv,fraps,g2m,mss1,mss2,msa1,mts2,rscc,screenpresso,scpr,"
    "wcmv,mwsc,fic,fmvc,dxtory,dxv,tdsc,zlib,mszh,loco,"
    /* pictures of long ago */
    "rv10,rv20,rv30,rv40,svq1,svq3,qtrle,rpza,smc,cinepak,indeo2,indeo3,indeo4,indeo5,msvideo1,"
    "msrle,8bps,aasc,asv1,asv2,qdraw,vb,vcr1,vqavideo,wnv1,xl,truemotion1,truemotion2,ultimotion,"
    "rl2,roqvideo,smackvid,binkvideo,interplayvideo,idcinvideo,4xm,thp,tmv,flic,amv,sp5x,mimic,"
    "nuv,escape124,escape130,kmvc,cyuv,qpeg,vmdvideo,xan_wc3,xan_wc4,eacmv,eamad,eatgq,eatgv,eatqi,"
    /* sound in use */
    "aac,aac_latm,mp3float,mp3,mp2float,mp2,mp1float,mp1,ac3,eac3,dca,truehd,mlp,opus,libopus,"
    "vorbis,flac,alac,wavpack,tta,ape,tak,als,shorten,wmav1,wmav2,wmapro,wmalossless,wmavoice,xma1,"
    "xma2,cook,real_144,real_288,ralf,sipr,atrac1,atrac3,atrac3al,atrac3plus,atrac3plusal,atrac9,"
    "amrnb,amrwb,gsm,gsm_ms,speex,libspeex,ilbc,g722,g723_1,g726,g726le,g729,nellymoser,qdm2,qdmc,"
    "mace3,mace6,mpc7,mpc8,twinvq,metasound,truespeech,imc,iac,on2avc,s302m,dvaudio,dst,dolby_e,"
    "dsd_lsbf,dsd_msbf,dsd_lsbf_planar,dsd_msbf_planar,sbc,aptx,aptx_hd,mp3adufloat,mp3adu,"
    "mp3on4float,mp3on4,qcelp,evrc,"
    /* sound as it is */
    "pcm_alaw,pcm_mulaw,pcm_bluray,pcm_dvd,pcm_f16le,pcm_f24le,pcm_f32be,pcm_f32le,pcm_f64be,"
    "pcm_f64le,pcm_lxf,pcm_s16be,pcm_s16be_planar,pcm_s16le,pcm_s16le_planar,pcm_s24be,pcm_s24daud,"
    "pcm_s24le,pcm_s24le_planar,pcm_s32be,pcm_s32le,pcm_s32le_planar,pcm_s64be,pcm_s64le,pcm_s8,"
    "pcm_s8_planar,pcm_u16be,pcm_u16le,pcm_u24be,pcm_u24le,pcm_u32be,pcm_u32le,pcm_u8,pcm_vidc,"
    /* sound of long ago */
    "adpcm_ima_qt,adpcm_ima_wav,adpcm_ms,adpcm_swf,adpcm_yamaha,adpcm_ct,adpcm_ima_amv,adpcm_g722,"
    "adpcm_g726,adpcm_ima_dk3,adpcm_ima_dk4,adpcm_ima_smjpeg,adpcm_ima_ws,adpcm_sbpro_2,"
    "adpcm_sbpro_3,adpcm_sbpro_4,adpcm_thp,adpcm_thp_le,adpcm_ea,adpcm_ea_r1,adpcm_ea_r2,"
    "adpcm_ea_r3,adpcm_ea_xas,adpcm_ima_ea_eacs,adpcm_ima_ea_sead,adpcm_4xm,adpcm_xa,adpcm_psx,"
    "adpcm_adx,roq_dpcm,interplay_dpcm,interplayacm,xan_dpcm,sol_dpcm,gremlin_dpcm,derf_dpcm,"
    "smackaud,binkaudio_dct,binkaudio_rdft,vmdaudio,dsicinaudio,ws_snd1,8svx_exp,8svx_fib";
